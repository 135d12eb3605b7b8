import pg from 'pg';
import type { State, Time } from './history.ts';
import type { System } from './system.ts';

/** Both databases, asked as their owners, past every proxy. */
export interface Books {
  patient: pg.Client;
  doctor: pg.Client;
}

export async function openBooks({
  servers,
}: Pick<System, 'servers'>): Promise<Books & { close: () => Promise<void> }> {
  const [patient, doctor] = [
    new pg.Client(servers.patient.ownerUrl()),
    new pg.Client(servers.doctor.ownerUrl()),
  ];
  await Promise.all([patient.connect(), doctor.connect()]);
  return {
    patient,
    doctor,
    close: async () => {
      await Promise.all([patient.end(), doctor.end()]);
    },
  };
}

/** The databases' clocks, as text, because a Date would round them. */
export interface Since {
  patient: string;
  doctor: string;
}

const NOW = `select clock_timestamp()::text as now`;

export async function readClocks({ patient, doctor }: Books): Promise<Since> {
  const [{ rows: ofPatient }, { rows: ofDoctor }] = await Promise.all([
    patient.query(NOW),
    doctor.query(NOW),
  ]);
  return { patient: ofPatient[0].now, doctor: ofDoctor[0].now };
}

/** All of them, or as many as are asked for. */
export const listUnsettled = async ({ patient }: Books, limit?: number): Promise<string[]> =>
  (
    await patient.query<{ id: string }>(
      'select id from appointments where answered_revision < revision limit $1',
      [limit ?? null],
    )
  ).rows.map(({ id }) => id);

export interface AppointmentRow extends Time {
  id: string;
  key: string;
  status: State['status'];
  settled: boolean;
}

/** What was booked since a moment, and those that were gone on with. */
export const listAppointments = async (
  { patient }: Books,
  since: Since,
  kept: readonly string[],
): Promise<AppointmentRow[]> =>
  (
    await patient.query<AppointmentRow>(
      `select id, reason as key, status, answered_revision = revision as settled, doctor_id as "doctorId", to_char(starts_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "startsAt",
              (extract(epoch from ends_at - starts_at) / 60)::integer as "durationMinutes"
         from appointments where created_at > $1::timestamptz or id = any($2::uuid[])`,
      [since.patient, kept],
    )
  ).rows;

/** How each revision ended on both sides, by `id revision`. */
export interface Outcomes {
  patient: ReadonlyMap<string, string | null>;
  doctor: ReadonlyMap<string, string>;
}

export async function readOutcomes(
  { patient, doctor }: Books,
  since: Since,
  kept: readonly string[],
): Promise<Outcomes> {
  const revisions = await patient.query<{ id: string; revision: number; outcome: string | null }>(
    `select appointment_id as id, revision, outcome from appointment_revisions
      where created_at > $1::timestamptz or appointment_id = any($2::uuid[])`,
    [since.patient, kept],
  );
  const reservations = await doctor.query<{ id: string; revision: number; state: string }>(
    `select appointment_id as id, revision, state from reservations
      where created_at > $1::timestamptz or appointment_id = any($2::uuid[])`,
    [since.doctor, kept],
  );
  return {
    patient: new Map(revisions.rows.map(({ id, revision, outcome }) => [`${id} ${revision}`, outcome])),
    doctor: new Map(reservations.rows.map(({ id, revision, state }) => [`${id} ${revision}`, state])),
  };
}

/** What all rows up to a moment say, in a word for each database, but for appointments that were gone on with. */
export async function fingerprints(
  { patient, doctor }: Books,
  until: Since,
  kept: readonly string[],
): Promise<Since> {
  const appointments = await patient.query<{ print: string }>(
    `select count(*) || ' ' || coalesce(sum(hashtextextended(concat_ws(' ', id, status, revision, answered_revision, doctor_id, starts_at, ends_at, reason), 0)::numeric), 0) as print
       from appointments where created_at <= $1::timestamptz and id <> all($2::uuid[])`,
    [until.patient, kept],
  );
  const revisions = await patient.query<{ print: string }>(
    `select count(*) || ' ' || coalesce(sum(hashtextextended(concat_ws(' ', appointment_id, revision, outcome, reason, holds, doctor_id, starts_at, ends_at), 0)::numeric), 0) as print
       from appointment_revisions where created_at <= $1::timestamptz and appointment_id <> all($2::uuid[])`,
    [until.patient, kept],
  );
  const reservations = await doctor.query<{ print: string }>(
    `select count(*) || ' ' || coalesce(sum(hashtextextended(concat_ws(' ', appointment_id, revision, state, reason, doctor_id, during), 0)::numeric), 0) as print
       from reservations where created_at <= $1::timestamptz and appointment_id <> all($2::uuid[])`,
    [until.doctor, kept],
  );
  return {
    patient: `${appointments.rows[0]?.print}, ${revisions.rows[0]?.print}`,
    doctor: reservations.rows[0]?.print ?? '',
  };
}

/** How many events each request left in the patient service's trail since a moment. */
export async function countEvents({ patient }: Books, since: Since): Promise<ReadonlyMap<string, number>> {
  const { rows } = await patient.query<{ id: string; events: number }>(
    `select request_id as id, count(*)::integer as events from audit_events where recorded_at > $1::timestamptz group by request_id`,
    [since.patient],
  );
  return new Map(rows.map(({ id, events }) => [id, events]));
}
