import { everyDay } from '../../services/testing/calendar.ts';
import { invariantsBroken } from '../../services/testing/clinic.ts';
import { eventually } from '../../services/testing/eventually.ts';
import { type Caller, inParallel, openCaller } from '../../services/testing/load.ts';
import { clinicUrl } from './cluster.ts';
import { openDatabase } from './databases.ts';
import { limitMs } from './limits.ts';

const SLOT_MINUTES = 5;
const SLOTS_A_DAY = (24 * 60) / SLOT_MINUTES;

export interface Clinic {
  caller: Caller;
  patients: readonly string[];
  doctors: readonly string[];
  /** A time that nobody else was given, of a doctor and for a patient who is free then. */
  nextVisit: () => { patientId: string; doctorId: string; startsAt: string; durationMinutes: number };
}

async function idOf(caller: Caller, path: string, body: object): Promise<string> {
  const { status, text } = await caller.call('POST', path, body);
  if (status !== 201) throw new Error(`POST ${path} was answered ${status}: ${text}`);
  return (JSON.parse(text) as { id: string }).id;
}

/** Doctors who work around the clock, and patients, all made through the Ingress. */
export async function makeClinic({ doctorCount = 8, patientCount = 64 } = {}): Promise<Clinic> {
  const caller = openCaller(clinicUrl);
  const doctors = await inParallel(4, Array(doctorCount).fill(0), async (_, index) => {
    const id = await idOf(caller, '/doctors', {
      givenName: 'Doc',
      familyName: `Example ${index}`,
      specialties: ['General practice'],
      timeZone: 'UTC',
    });
    const { status, text } = await caller.call('PUT', `/doctors/${id}/schedule`, {
      weeklyHours: everyDay('00:00', '24:00'),
      slotMinutes: SLOT_MINUTES,
    });
    if (status !== 201) throw new Error(`The schedule was answered ${status}: ${text}`);
    return id;
  });
  const patients = await inParallel(8, Array(patientCount).fill(0), (_, index) =>
    idOf(caller, '/patients', { familyName: `Example ${index}`, givenName: 'Pat', birthDate: '1980' }),
  );
  const firstDay = Date.parse(new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10));
  let given = 0;
  const nextVisit = () => {
    const turn = Math.floor(given / doctorCount);
    // All patients have their turn before one comes again, and then the time is another.
    const patientId = patients[given % patientCount] ?? '';
    const doctorId = doctors[given % doctorCount] ?? '';
    given += 1;
    if (turn > 80 * SLOTS_A_DAY) throw new Error('No time is left');
    const startsAt = new Date(firstDay + turn * SLOT_MINUTES * 60_000).toISOString();
    return { patientId, doctorId, startsAt, durationMinutes: SLOT_MINUTES };
  };
  return { caller, patients, doctors, nextVisit };
}

export interface Aftermath {
  broken: string[];
  /** Bookings that were acknowledged and are not in the database. */
  lost: string[];
  /** When the last appointment was found settled, by the clock of `performance.now()`. */
  settledAt: number;
}

/** Waits until everything is settled, then looks into both databases for what must hold. */
export async function aftermath(acknowledged: readonly string[], seconds: number): Promise<Aftermath> {
  const [patient, doctor] = [await openDatabase('patient'), await openDatabase('doctor')];
  try {
    await eventually(async () => {
      const { rows } = await patient.db.query<{ open: number }>(
        'select count(*)::int as open from appointments where answered_revision < revision',
      );
      if (rows[0]?.open !== 0) throw new Error(`${rows[0]?.open} appointments are not settled`);
    }, limitMs(seconds));
    const settledAt = performance.now();
    const { rows } = await patient.db.query<{ id: string }>(
      `select given.id from unnest($1::uuid[]) as given (id)
        where not exists (select from appointments where appointments.id = given.id)`,
      [acknowledged],
    );
    const broken = await invariantsBroken(patient, doctor);
    return { broken, lost: rows.map(({ id }) => id), settledAt };
  } finally {
    await patient.close();
    await doctor.close();
  }
}
