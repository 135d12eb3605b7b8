import { v7 as uuidv7 } from 'uuid';
import { INSERT_PREFIXES } from '../services/patient/patients/prefix-store.ts';
import { seedPatient } from '../services/testing/clinic.ts';
import { nameOf } from './names.ts';
import type { System } from './system.ts';

export interface Size {
  patients: number;
  doctors: number;
}

export interface Dataset extends Size {
  /** Of some of them, spread over all: enough to ask for another one each time. */
  patientIds: readonly string[];
  /** They work around the clock in UTC, and are booked by nobody yet. */
  doctorIds: readonly string[];
  /** They work from nine to five in New York, and one half hour is free on each day of their next two weeks. */
  busyDoctorIds: readonly string[];
  /** Patients by the length of their history. */
  longHistory: { patientId: string; entries: number };
  shortHistory: { patientId: string; entries: number };
}

const BATCH = 10_000;
const MAX_IDS = 50_000;
const BUSY_DOCTORS = 50;
/** Of a day from nine to five. */
const HALF_HOURS = 16;
const LONG = 10_000;
const SHORT = 10;

/** Fills the empty databases of a system, behind its API, with what the services themselves would have stored. */
export async function seedDataset(system: System, { patients, doctors }: Size): Promise<Dataset> {
  const patientIds = await seedPatients(system, patients);
  const doctorIds = await seedDoctors(system, doctors - BUSY_DOCTORS, 'UTC', '00:00', '24:00');
  const busyDoctorIds = await seedDoctors(system, BUSY_DOCTORS, 'America/New_York', '09:00', '17:00');
  await seedReservations(system, busyDoctorIds);
  const longHistory = await seedHistory(system, LONG);
  const shortHistory = await seedHistory(system, SHORT);
  await Promise.all([system.patientDb.query('vacuum analyze'), system.doctorDb.query('vacuum analyze')]);
  return { patients, doctors, patientIds, doctorIds, busyDoctorIds, longHistory, shortHistory };
}

/** Returns the ids of at most 50,000 of them, spread over all. */
async function seedPatients({ patientDb }: System, count: number): Promise<string[]> {
  const every = Math.ceil(count / MAX_IDS);
  const ids: string[] = [];
  for (let from = 0; from < count; from += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - from) }, () => ({
      id: uuidv7(),
      ...nameOf(),
    }));
    const columns = [
      batch.map(({ id }) => id),
      batch.map(({ familyName }) => familyName),
      batch.map(({ givenName }) => givenName),
      batch.map(({ key }) => key),
    ];
    await patientDb.query(
      // Created one after the other over three years, as rows of lists are sorted by it.
      `insert into patients (id, family_name, given_name, name_key, birth_date, created_at, updated_at)
       select id, family, given, key, to_char(date '1930-01-01' + (random() * 33000)::integer, 'YYYY-MM-DD'), t, t
         from (select *, now() - interval '3 years' + ($5::integer + number) * interval '1 minute' as t
                 from unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
                      with ordinality as row (id, family, given, key, number)) as row`,
      [...columns, from],
    );
    await patientDb.query(INSERT_PREFIXES.text, [columns[0]]);
    ids.push(...batch.filter((_, index) => (from + index) % every === 0).map(({ id }) => id));
  }
  return ids;
}

async function seedDoctors(
  { doctorDb }: System,
  count: number,
  timeZone: string,
  from: string,
  to: string,
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => uuidv7());
  const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
  const weeklyHours = JSON.stringify(days.map((weekday) => ({ weekday, from, to })));
  await doctorDb.query(
    `insert into doctors (id, given_name, family_name, name_key, specialties, specialty_keys, time_zone)
     select id, 'Doc', 'Example', ' example' || E'\\t' || ' doc', '{general practice}', '{general practice}', $2
       from unnest($1::uuid[]) as id`,
    [ids, timeZone],
  );
  await doctorDb.query(
    `insert into schedules (doctor_id, weekly_hours, time_zone, slot_minutes, buffer_minutes, minimum_notice_minutes, horizon_days)
     select id, $2, $3, 30, 0, 0, 90 from unnest($1::uuid[]) as id`,
    [ids, weeklyHours, timeZone],
  );
  return ids;
}

/** Of each doctor and day of the next two weeks all half hours but one, another for each doctor, with their appointments. */
async function seedReservations(
  { patientDb, doctorDb }: System,
  doctorIds: readonly string[],
): Promise<void> {
  const taken = HALF_HOURS - 1;
  const wanted = doctorIds.flatMap((doctorId, index) =>
    Array.from({ length: 14 * taken }, (_, n) => ({
      id: uuidv7(),
      doctorId,
      day: Math.floor(n / taken),
      slot: (index + (n % taken)) % HALF_HOURS,
    })),
  );
  const { rows } = await doctorDb.query<{ id: string; doctor_id: string; starts_at: Date; ends_at: Date }>(
    `insert into reservations (appointment_id, revision, state, doctor_id, starts_at, ends_at, during)
     select id, 1, 'active', doctor_id, starts_at, starts_at + interval '30 minutes', tstzrange(starts_at, starts_at + interval '30 minutes')
       from (select id, doctor_id,
                    (current_date + 1 + day + time '09:00' + slot * interval '30 minutes') at time zone 'America/New_York' as starts_at
               from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::integer[]) as row (id, doctor_id, day, slot)) as row
     returning appointment_id as id, doctor_id, starts_at, ends_at`,
    [
      wanted.map(({ id }) => id),
      wanted.map(({ doctorId }) => doctorId),
      wanted.map(({ day }) => day),
      wanted.map(({ slot }) => slot),
    ],
  );
  // Each doctor's visits are of one patient, who is nowhere else.
  const patientOf = new Map<string, string>();
  for (const doctorId of doctorIds) patientOf.set(doctorId, await seedPatient({ db: patientDb }));
  await patientDb.query(
    `with wish as (
       select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[])
                  as wish (id, patient_id, doctor_id, starts_at, ends_at)
     ), booked as (
       insert into appointments (id, patient_id, doctor_id, starts_at, ends_at, status, answered_revision, next_try_at)
       select id, patient_id, doctor_id, starts_at, ends_at, 'booked', 1, now() from wish
     )
     insert into appointment_revisions (appointment_id, revision, patient_id, doctor_id, starts_at, ends_at, outcome, holds, keyed)
     select id, 1, patient_id, doctor_id, starts_at, ends_at, 'granted', true, false from wish`,
    [
      rows.map(({ id }) => id),
      rows.map(({ doctor_id }) => patientOf.get(doctor_id)),
      rows.map(({ doctor_id }) => doctor_id),
      rows.map(({ starts_at }) => starts_at),
      rows.map(({ ends_at }) => ends_at),
    ],
  );
}

async function seedHistory({ patientDb }: System, entries: number): Promise<Dataset['longHistory']> {
  const patientId = await seedPatient({ db: patientDb });
  await patientDb.query(
    `insert into history (id, patient_id, kind, description, occurred_at, occurred_from, recorded_by)
     select id, $2, 'note', 'Seen', to_char(t at time zone 'UTC', 'YYYY-MM-DD'), date_trunc('day', t, 'UTC'), 'bench'
       from (select id, now() - number * interval '1 day' as t
               from unnest($1::uuid[]) with ordinality as row (id, number)) as row`,
    [Array.from({ length: entries }, () => uuidv7()), patientId],
  );
  return { patientId, entries };
}
