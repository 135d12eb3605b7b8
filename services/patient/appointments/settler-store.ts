import type { Db } from '../../shared/db/database.ts';
import { sql } from '../../shared/db/statement.ts';
import type { OpenWish } from './outbox-store.ts';
import { retrySchedule } from './retry-schedule.ts';

const UNSETTLED = 'answered_revision < revision and contradiction is null';

type Claimed = {
  appointmentId: string;
  revision: number;
  doctorId: string | null;
  startsAt: string | null;
  endsAt: string | null;
  keyed: boolean;
};

const { first, longest, jitter } = retrySchedule;

// The exponent is bounded before the power is taken: a number of tries has no end.
const BACKOFF = `least(${longest}, ${first} * power(2, least(tries, 10))) * (1 - ${jitter} * random()) * interval '1 second'`;

const CLAIM_DUE = sql<[limit: number], Claimed>(
  'appointments.claim_due',
  // Moving the next try is the claim: another replica finds the row not due. A key that was told to wait keeps that answer: then
  // recording the outcome is one statement instead of a transaction, which counts when thousands have waited.
  `with claimed as (
     update appointments
        set tries = tries + 1,
            next_try_at = now() + ${BACKOFF}
      where id in (
        select id from appointments where ${UNSETTLED} and next_try_at <= now() order by next_try_at limit $1 for update skip locked)
     returning id, revision
   )
   select r.appointment_id as "appointmentId", r.revision, r.doctor_id as "doctorId",
          r.starts_at as "startsAt", r.ends_at as "endsAt",
          r.keyed and coalesce((
            select k.answer is null from idempotency_keys k
             where k.resource_id = r.appointment_id and k.revision = r.revision limit 1), false) as keyed
     from claimed join appointment_revisions r on r.appointment_id = claimed.id and r.revision = claimed.revision`,
);

/** Takes up to `limit` wishes whose next try is due, and puts their next try off; `keyed` are those whose key is still to be answered. */
export async function claimDue(db: Db, limit: number): Promise<OpenWish[]> {
  const rows = await db.query(CLAIM_DUE, [limit]);
  return rows.map(({ appointmentId, revision, doctorId, startsAt, endsAt, keyed }) => ({
    appointmentId,
    revision,
    keyed,
    wanted: doctorId === null || startsAt === null || endsAt === null ? null : { doctorId, startsAt, endsAt },
  }));
}

const MAKE_ALL_DUE = sql<[limit: number]>(
  'appointments.make_all_due',
  // Skipping what is locked keeps two replicas from waiting for each other's rows in different orders.
  `update appointments set next_try_at = now()
    where id in (select id from appointments where ${UNSETTLED} and next_try_at > now() limit $1 for update skip locked)`,
);

/** Makes every waiting wish due, because the doctor service answers again; at most `limit`, the rest comes by its backoff. */
export async function makeAllDue(db: Db, limit: number): Promise<void> {
  await db.query(MAKE_ALL_DUE, [limit]);
}

const LIST_EXPIRED = sql<[limit: number], { id: string }>(
  'appointments.list_expired',
  // Not before its next try is due: a booking for a time that has passed is refused by the doctor service, through its request.
  `select id from appointments
    where ${UNSETTLED} and status = 'pending' and starts_at <= now() and next_try_at <= now()
    order by next_try_at limit $1`,
);

/** Bookings that nobody confirmed before they were to start. */
export async function listExpired(db: Db, limit: number): Promise<string[]> {
  return (await db.query(LIST_EXPIRED, [limit])).map(({ id }) => id);
}

export interface Backlog {
  unsettled: number;
  oldestSeconds: number;
  contradicted: number;
}

const READ_BACKLOG = sql<[], Backlog>(
  'appointments.read_backlog',
  `select (select count(*) from appointments where ${UNSETTLED})::integer as unsettled,
          coalesce((select extract(epoch from now() - min(r.created_at))
                      from appointments a join appointment_revisions r on r.appointment_id = a.id and r.revision = a.revision
                     where a.answered_revision < a.revision and a.contradiction is null), 0)::float8 as "oldestSeconds",
          (select count(*) from appointments where answered_revision < revision and contradiction is not null)::integer as contradicted`,
);

/** How much waits for the doctor service, and for how long. */
export async function readBacklog(db: Db): Promise<Backlog> {
  const [row] = await db.query(READ_BACKLOG, []);
  return row ?? { unsettled: 0, oldestSeconds: 0, contradicted: 0 };
}
