import type { Db } from '../../shared/db/database.ts';
import { instantText, sql } from '../../shared/db/statement.ts';
import type { Kept } from './difference.ts';
import { retrySchedule } from './retry-schedule.ts';

const wantedOf = (row: string): string =>
  `case when ${row}.doctor_id is not null then json_build_object(
     'doctorId', ${row}.doctor_id,
     'startsAt', ${instantText(`${row}.starts_at`)},
     'endsAt', ${instantText(`${row}.ends_at`)}) end`;

const LIST = sql<[after: string, limit: number], Kept & { patientId: string }>(
  'appointments.list_to_compare',
  // An answered appointment wants its own time, one that waits what its newest revision wishes.
  `select a.id, a.patient_id as "patientId", a.revision, a.status, a.answered_revision = a.revision as settled,
          a.contradiction is not null as contradicted,
          case when a.status in ('cancelled', 'rejected') then null
               when a.answered_revision = a.revision then ${wantedOf('a')}
               else ${wantedOf('wish')} end as wanted
     from appointments a
     join appointment_revisions wish on wish.appointment_id = a.id and wish.revision = a.revision
    where a.id > $1
    order by a.id
    limit $2`,
);

/** Every appointment whose id comes after another, by id. */
export const listToCompare = (db: Db, after: string, limit: number) => db.query(LIST, [after, limit]);

const READ_NOW = sql<[], { now: number }>(
  'appointments.read_now',
  'select (extract(epoch from now()) * 1000)::bigint as now',
);

/** The database's clock, in epoch milliseconds. */
export async function readNow(db: Db): Promise<number> {
  const [row] = await db.query(READ_NOW, []);
  if (row === undefined) throw new Error('The database told no time');
  return row.now;
}

const LOCK_REVISION = sql<[id: string], { revision: number }>(
  'appointments.lock_revision',
  'select revision from appointments where id = $1 for update',
);

/** The appointment's revision, which stays until the transaction ends; a deleted patient's too. */
export async function lockRevision(tx: Db, id: string): Promise<number | undefined> {
  const [row] = await tx.query(LOCK_REVISION, [id]);
  return row?.revision;
}

const MOVE_ON = sql<[id: string, revision: number]>(
  'appointments.move_on',
  `update appointments
      set revision = $2, next_try_at = now() + interval '${retrySchedule.ownTry} seconds', tries = 0, contradiction = null,
          version = version + 1, updated_at = now()
    where id = $1`,
);

/** Moves a locked appointment on to a revision whose wish is stored, whichever number it has. */
export async function moveOn(tx: Db, id: string, revision: number): Promise<void> {
  await tx.query(MOVE_ON, [id, revision]);
}
