import type { Db } from '../../shared/db/database.ts';
import { defineList } from '../../shared/db/list.ts';
import { instantText, lookup, sql } from '../../shared/db/statement.ts';
import type { RefusalReason } from './reservation.ts';

/** A revision as it was answered; instants as RFC 3339 text. */
export interface AnsweredRevision {
  revision: number;
  state: 'active' | 'refused' | 'released';
  doctorId: string | null;
  startsAt: string | null;
  endsAt: string | null;
  reason: RefusalReason | null;
}

const LOCK_APPOINTMENT = sql<[appointmentId: string]>(
  'reservations.lock_appointment',
  'select pg_advisory_xact_lock(hashtextextended($1, 0))',
);

/**
 * Lets one revision of an appointment be decided at a time. Always the first lock, in a statement of its own: two revisions
 * that pass each other unseen would leave time taken under a cancelled appointment, for an appointment never collides with itself.
 */
export async function lockAppointment(tx: Db, appointmentId: string): Promise<void> {
  await tx.query(LOCK_APPOINTMENT, [appointmentId]);
}

const FIND_NEWEST = sql<[appointmentId: string], AnsweredRevision>(
  'reservations.find_newest',
  `select revision, state, doctor_id as "doctorId", starts_at as "startsAt", ends_at as "endsAt", reason
     from reservations
    where appointment_id = $1
    order by revision desc
    limit 1`,
);

export async function findNewest(db: Db, appointmentId: string): Promise<AnsweredRevision | undefined> {
  const [row] = await db.query(FIND_NEWEST, [appointmentId]);
  return row;
}

export interface WantedTime {
  appointmentId: string;
  revision: number;
  doctorId: string;
  startsAt: string;
  endsAt: string;
}

const TAKE = sql<
  [
    appointmentId: string,
    revision: number,
    doctorId: string,
    startsAt: string,
    endsAt: string,
    bufferMinutes: number,
  ],
  { refused: true }
>(
  'reservations.take',
  // A plain insert that raises would deadlock on a hot doctor (measured: 40 instead of 4,000 a second).
  `with taken as (
     insert into reservations (appointment_id, revision, state, doctor_id, starts_at, ends_at, during)
     values ($1, $2, 'active', $3, $4, $5, tstzrange($4, $5::timestamptz + make_interval(mins => $6)))
     on conflict do nothing
     returning revision
   )
   insert into reservations (appointment_id, revision, state, doctor_id, starts_at, ends_at, reason)
   select $1, $2, 'refused', $3, $4, $5, 'slot-taken' where not exists (select from taken)
   returning true as refused`,
);

/**
 * Takes the time, or stores the refusal when the constraint says that another appointment has it.
 * @returns whether the time was taken
 */
export async function takeTime(tx: Db, wanted: WantedTime, bufferMinutes: number): Promise<boolean> {
  const { appointmentId, revision, doctorId, startsAt, endsAt } = wanted;
  const [row] = await tx.query(TAKE, [appointmentId, revision, doctorId, startsAt, endsAt, bufferMinutes]);
  return row === undefined;
}

const INSERT_REFUSED = sql<
  [
    appointmentId: string,
    revision: number,
    doctorId: string,
    startsAt: string,
    endsAt: string,
    reason: RefusalReason,
  ]
>(
  'reservations.insert_refused',
  `insert into reservations (appointment_id, revision, state, doctor_id, starts_at, ends_at, reason)
   values ($1, $2, 'refused', $3, $4, $5, $6)`,
);

/** Stores a refusal, so that a repeated question gets the same answer even if the time has become free. */
export async function insertRefused(tx: Db, wanted: WantedTime, reason: RefusalReason): Promise<void> {
  const { appointmentId, revision, doctorId, startsAt, endsAt } = wanted;
  await tx.query(INSERT_REFUSED, [appointmentId, revision, doctorId, startsAt, endsAt, reason]);
}

const INSERT_RELEASED = sql<[appointmentId: string, revision: number]>(
  'reservations.insert_released',
  `insert into reservations (appointment_id, revision, state) values ($1, $2, 'released')`,
);

/** Stores a release: a tombstone that no later question about an older revision can pass. */
export async function insertReleased(tx: Db, appointmentId: string, revision: number): Promise<void> {
  await tx.query(INSERT_RELEASED, [appointmentId, revision]);
}

const RELEASE_OLDER = sql<[appointmentId: string, revision: number]>(
  'reservations.release_older',
  `update reservations set state = 'released', updated_at = now()
    where appointment_id = $1 and revision < $2 and state = 'active'`,
);

/** Frees the time that older revisions of the appointment took. */
export async function releaseOlder(tx: Db, appointmentId: string, revision: number): Promise<void> {
  await tx.query(RELEASE_OLDER, [appointmentId, revision]);
}

const HAS_UPCOMING = sql<[doctorId: string], { found: boolean }>(
  'reservations.has_upcoming',
  `select exists (select from reservations where doctor_id = $1 and state = 'active' and ends_at > now()) as found`,
);

/** Whether a doctor has visits that have not ended. */
export async function hasUpcoming(db: Db, doctorId: string): Promise<boolean> {
  const [row] = await db.query(HAS_UPCOMING, [doctorId]);
  return row?.found === true;
}

// Not extract(), whose decimal arithmetic takes several times as long. Both are exact to the microsecond for some centuries.
const epochMs = (instant: string) => `round(date_part('epoch', ${instant}) * 1000)::bigint`;

const LIST_BUSY = sql<
  [doctorIds: readonly string[], from: string, to: string],
  { doctorId: string; busy: readonly [start: number, end: number][] }
>(
  'reservations.list_busy',
  // Doctor by doctor, and along the time: ranges are in the order of their starts, and none is longer than sixteen hours. Rows are
  // compared, because the index of reservations_no_overlap cannot: without statistics the planner takes it for as good, and it would
  // read all that the doctor ever had.
  `select wanted.doctor_id as "doctorId",
          (select json_agg(json_build_array(${epochMs('lower(stretch)')}, ${epochMs('upper(stretch)')}))
             from unnest(taken.times) as stretch) as busy
     from unnest($1::uuid[]) as wanted (doctor_id)
    cross join lateral (
          select range_agg(during) as times
            from reservations
           where (doctor_id, during) >
                   (wanted.doctor_id, tstzrange($2::timestamptz - interval '16 hours', $2::timestamptz - interval '16 hours', '[]'))
             and (doctor_id, during) < (wanted.doctor_id, tstzrange($3, $3, '[]'))
             and state = 'active' and upper(during) > $2) as taken
    where taken.times is not null`,
);

/** The times taken of each doctor, with their buffers, that overlap [from, to), joined and in order; epoch milliseconds. */
export const listBusy = (db: Db, doctorIds: readonly string[], from: string, to: string) =>
  db.query(LIST_BUSY, [doctorIds, from, to]);

const LIST_UPCOMING_VISITS = sql<
  [doctorId: string],
  { appointmentId: string; revision: number; startsAt: string; endsAt: string }
>(
  'reservations.list_upcoming_visits',
  `select appointment_id as "appointmentId", revision, starts_at as "startsAt", ends_at as "endsAt"
     from reservations
    where doctor_id = $1 and state = 'active' and ends_at > now()
    order by starts_at, appointment_id`,
);

/** A doctor's visits that have not ended, without buffers, by start. */
export const listUpcomingVisits = (db: Db, doctorId: string) => db.query(LIST_UPCOMING_VISITS, [doctorId]);

const json = (row: string, more = '') => `json_strip_nulls(json_build_object(
  'appointmentId', ${row}.appointment_id,
  'revision', ${row}.revision,
  'state', ${row}.state,
  'doctorId', ${row}.doctor_id,
  'startsAt', ${instantText(`${row}.starts_at`)},
  'endsAt', ${instantText(`${row}.ends_at`)},
  'reason', ${row}.reason${more}))`;

const withActive = json(
  'newest',
  `,
  'active', (select ${json('active')}
               from reservations active
              where active.appointment_id = newest.appointment_id and active.state = 'active'
                and active.revision <> newest.revision)`,
);

const FIND_REPRESENTATION = lookup<[appointmentId: string], { json: string }>(
  'reservations.find_representation',
  `select ${withActive}::text as json
     from reservations newest
    where appointment_id = $1
    order by revision desc
    limit 1`,
);

/** The newest revision and, if another is active, that one as `active`. */
export async function findRepresentation(db: Db, appointmentId: string): Promise<string | undefined> {
  const [row] = await db.query(FIND_REPRESENTATION, [appointmentId]);
  return row?.json;
}

/** The newest revision of every appointment, by id; for comparing both sides. */
export const reservationList = defineList({
  name: 'reservations.list',
  json: `${withActive}::text`,
  from: 'from reservations newest',
  id: 'newest.appointment_id',
  where: `not exists (select from reservations newer
                       where newer.appointment_id = newest.appointment_id and newer.revision > newest.revision)`,
  filters: { updatedSince: 'newest.updated_at >= ?' },
  orders: { appointmentId: { expression: 'newest.appointment_id', type: 'uuid' } },
});

/** The agenda: a doctor's active visits that overlap [from, to), by start. */
export const agendaList = defineList({
  name: 'reservations.agenda',
  json: `json_build_object(
    'appointmentId', appointment_id,
    'revision', revision,
    'startsAt', ${instantText('starts_at')},
    'endsAt', ${instantText('ends_at')})::text`,
  from: 'from reservations',
  id: 'appointment_id',
  // The constraint's index finds `during`; the buffer is no part of the visit.
  where: `state = 'active'`,
  filters: {
    doctorId: 'doctor_id = ?',
    from: 'ends_at > ? and during && tstzrange(?, null)',
    to: 'starts_at < ? and during && tstzrange(null, ?)',
  },
  orders: { startsAt: { expression: 'starts_at', type: 'timestamptz' } },
});
