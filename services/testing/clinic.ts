import { v7 as uuidv7 } from 'uuid';
import type { TestService } from './services.ts';

/** A patient's id; the row is made behind the API, for tests that are about something else. */
export async function seedPatient({ db }: Pick<TestService, 'db'>): Promise<string> {
  const [id = ''] = await seedPatients({ db }, 1);
  return id;
}

export async function seedPatients({ db }: Pick<TestService, 'db'>, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => uuidv7());
  await db.query(
    `insert into patients (id, family_name, given_name, name_key, birth_date)
     select id, 'Example', 'Pat', 'example pat', '1980' from unnest($1::uuid[]) as id`,
    [ids],
  );
  return ids;
}

interface SeedSchedule {
  timeZone?: string;
  slotMinutes?: number;
  bufferMinutes?: number;
  minimumNoticeMinutes?: number;
  horizonDays?: number;
  /** Every day of the week. */
  from?: string;
  to?: string;
}

const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

/** A doctor's id, who works around the clock in UTC unless told otherwise; `null` is no schedule at all. */
export async function seedDoctor(
  { db }: Pick<TestService, 'db'>,
  schedule: SeedSchedule | null = {},
): Promise<string> {
  const id = uuidv7();
  await db.query(
    `insert into doctors (id, given_name, family_name, name_key, specialties, specialty_keys, time_zone)
     values ($1, 'Doc', 'Example', 'example doc', '{general practice}', '{general practice}', 'UTC')`,
    [id],
  );
  if (schedule === null) return id;
  const {
    timeZone = 'UTC',
    slotMinutes = 30,
    bufferMinutes = 0,
    minimumNoticeMinutes = 0,
    horizonDays = 90,
    from = '00:00',
    to = '24:00',
  } = schedule;
  const weeklyHours = JSON.stringify(WEEKDAYS.map((weekday) => ({ weekday, from, to })));
  await db.query(
    `insert into schedules (doctor_id, weekly_hours, time_zone, slot_minutes, buffer_minutes, minimum_notice_minutes, horizon_days)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [id, weeklyHours, timeZone, slotMinutes, bufferMinutes, minimumNoticeMinutes, horizonDays],
  );
  return id;
}

/** An instant so many days from today's midnight in UTC, at a time of day. */
export const at = (daysAhead: number, time = '09:00'): string => {
  const day = new Date(Date.now() + daysAhead * 86_400_000).toISOString().slice(0, 10);
  return `${day}T${time}:00.000Z`;
};

const FIRST_HALF_HOUR = Date.parse(at(2, '00:00'));

/** The n-th half hour from the day after tomorrow on. It stays the same when a test runs over midnight. */
export const halfHour = (n: number): { startsAt: string; endsAt: string } => {
  const instant = (index: number) => new Date(FIRST_HALF_HOUR + index * 1_800_000).toISOString();
  return { startsAt: instant(n), endsAt: instant(n + 1) };
};

/** Bookings that wait for their answer, one after the other of one patient and one doctor; behind the API; returns their ids. */
export async function seedWaiting(
  { db }: Pick<TestService, 'db'>,
  count: number,
  { dueInSeconds = 0, tries = 0 } = {},
): Promise<string[]> {
  const [patientId, doctorId] = [await seedPatient({ db }), uuidv7()];
  const ids = Array.from({ length: count }, () => uuidv7());
  await db.query(
    `with wish as (
       select id, $2::uuid as patient_id, $3::uuid as doctor_id, starts_at, starts_at + interval '30 minutes' as ends_at
         from unnest($1::uuid[], $4::timestamptz[]) as wish (id, starts_at)
     ), revision as (
       insert into appointment_revisions (appointment_id, revision, patient_id, doctor_id, starts_at, ends_at, holds, keyed)
       select id, 1, patient_id, doctor_id, starts_at, ends_at, true, false from wish
     )
     insert into appointments (id, patient_id, doctor_id, starts_at, ends_at, status, tries, next_try_at)
     select id, patient_id, doctor_id, starts_at, ends_at, 'pending', $5, now() + make_interval(secs => $6) from wish`,
    [ids, patientId, doctorId, ids.map((_, index) => halfHour(index).startsAt), tries, dueInSeconds],
  );
  return ids;
}

const SHOWN = 3;

/** The first ids of what was found, so that one can look what happened to them. */
const idsIn = (rows: readonly { id: string; other?: string }[]): string =>
  rows
    .slice(0, SHOWN)
    .flatMap(({ id, other }) => (other === undefined ? id : `${id} and ${other}`))
    .join(', ');

/** What must hold at every moment (design §3), asked of both databases. */
export async function invariantsBroken(
  patient: Pick<TestService, 'db'>,
  doctor: Pick<TestService, 'db'>,
): Promise<string[]> {
  const broken: string[] = [];
  // In the order of their beginnings two neighbours overlap, if any do.
  const doctorOverlaps = await doctor.db.query(
    `select id, other from (
       select appointment_id as id, lower(during) as begins, lag(appointment_id) over calendar as other, lag(upper(during)) over calendar as ended
         from reservations where state = 'active'
       window calendar as (partition by doctor_id order by lower(during), appointment_id)) as neighbours
     where begins < ended`,
  );
  if (doctorOverlaps.rows.length > 0)
    broken.push(`two active reservations of a doctor overlap: ${idsIn(doctorOverlaps.rows)}`);
  const patientOverlaps = await patient.db.query(
    `select id, other from (
       select id, starts_at, lag(id) over days as other, lag(ends_at) over days as ended
         from appointments where status not in ('rejected', 'cancelled')
       window days as (partition by patient_id order by starts_at, id)) as neighbours
     where starts_at < ended`,
  );
  if (patientOverlaps.rows.length > 0)
    broken.push(`two active appointments of a patient overlap: ${idsIn(patientOverlaps.rows)}`);
  const twice = await doctor.db.query(
    `select appointment_id as id from reservations where state = 'active' group by appointment_id having count(*) > 1`,
  );
  if (twice.rows.length > 0) broken.push(`an appointment has two active reservations: ${idsIn(twice.rows)}`);
  const risen = await doctor.db.query(
    `select appointment_id as id from reservations a join reservations b using (appointment_id)
      where a.state = 'active' and b.state = 'released' and b.revision > a.revision`,
  );
  if (risen.rows.length > 0)
    broken.push(`a reservation is active below a newer release: ${idsIn(risen.rows)}`);
  const heldWrongly = await patient.db.query(
    // Joined as a whole: without statistics, as after a crash, a question for each appointment reads all that hold time.
    `select a.id
       from appointments a left join (
         select appointment_id, json_agg(json_build_array(doctor_id, starts_at, ends_at))::text as times
           from appointment_revisions where holds group by appointment_id) held on held.appointment_id = a.id
      where a.answered_revision = a.revision and coalesce(held.times, '[]')
        <> case when a.status in ('rejected', 'cancelled') then '[]'
                else json_build_array(json_build_array(a.doctor_id, a.starts_at, a.ends_at))::text end`,
  );
  if (heldWrongly.rows.length > 0)
    broken.push(
      `a settled appointment holds another time of its patient, or none: ${idsIn(heldWrongly.rows)}`,
    );
  const contradicted = await patient.db.query(
    `select id from appointments where contradiction is not null and answered_revision = revision`,
  );
  if (contradicted.rows.length > 0)
    broken.push(`an appointment is settled and yet contradicted: ${idsIn(contradicted.rows)}`);
  return [...broken, ...(await sidesThatDiffer(patient, doctor))];
}

/** For a quiet system: everything is settled, and both sides tell the same. */
async function sidesThatDiffer(
  patient: Pick<TestService, 'db'>,
  doctor: Pick<TestService, 'db'>,
): Promise<string[]> {
  const { rows: appointments } = await patient.db.query<{
    id: string;
    doctorId: string;
    startsAt: Date;
    endsAt: Date;
    active: boolean;
    settled: boolean;
  }>(
    `select id, doctor_id as "doctorId", starts_at as "startsAt", ends_at as "endsAt",
            status not in ('rejected', 'cancelled') as active, answered_revision = revision as settled
       from appointments`,
  );
  const { rows: reservations } = await doctor.db.query<{
    id: string;
    doctorId: string;
    startsAt: Date;
    endsAt: Date;
  }>(
    `select appointment_id as id, doctor_id as "doctorId", starts_at as "startsAt", ends_at as "endsAt" from reservations where state = 'active'`,
  );
  const reserved = new Map(reservations.map((row) => [row.id, row]));
  const broken: string[] = [];
  for (const { id, doctorId, startsAt, endsAt, active, settled } of appointments) {
    const time = reserved.get(id);
    reserved.delete(id);
    if (!settled) broken.push(`appointment ${id} is not settled`);
    else if (active !== (time !== undefined))
      broken.push(`appointment ${id} is ${active ? '' : 'not '}active, its reservation the opposite`);
    else if (
      time !== undefined &&
      (time.doctorId !== doctorId || +time.startsAt !== +startsAt || +time.endsAt !== +endsAt)
    ) {
      broken.push(`appointment ${id} has another doctor or time than its reservation`);
    }
  }
  if (reserved.size > 0)
    broken.push(`${reserved.size} reservations have no appointment: ${idsIn([...reserved.values()])}`);
  return broken;
}
