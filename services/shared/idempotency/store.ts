import type { Db } from '../db/database.ts';
import { sql } from '../db/statement.ts';
import type { Answer } from '../http/answer.ts';
import type { IdempotencyKey } from './key.ts';

const LOCK = sql<[caller: string, key: string], { free: boolean }>(
  'idempotency.lock',
  `select pg_try_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 1)) as free`,
);

/** Keeps others with the same key out until the transaction ends; false when one is at work. */
export async function lockKey(tx: Db, { caller, key }: IdempotencyKey): Promise<boolean> {
  const [row] = await tx.query(LOCK, [caller, key]);
  return row?.free === true;
}

export interface StoredKey {
  fingerprint: string;
  answer: Answer | null;
  /** Whether the request that made the key has had its 15 seconds. */
  leaseOver: boolean;
  resourceId: string | null;
  revision: number | null;
}

const FIND = sql<[caller: string, key: string], StoredKey>(
  'idempotency.find',
  `select fingerprint, answer, created_at < now() - interval '15 seconds' as "leaseOver", resource_id as "resourceId", revision
     from idempotency_keys
    where caller = $1 and key = $2 and created_at > now() - interval '24 hours'`,
);

export async function findKey(tx: Db, { caller, key }: IdempotencyKey): Promise<StoredKey | undefined> {
  const [row] = await tx.query(FIND, [caller, key]);
  return row;
}

const INSERT = sql<
  [
    caller: string,
    key: string,
    fingerprint: string,
    answer: string | null,
    resourceId: string | null,
    revision: number | null,
  ]
>(
  'idempotency.insert',
  // A key older than a day is forgotten: its row gives way.
  `insert into idempotency_keys (caller, key, fingerprint, answer, resource_id, revision)
   values ($1, $2, $3, $4, $5, $6)
   on conflict on constraint idempotency_keys_pkey do update
     set fingerprint = excluded.fingerprint, answer = excluded.answer, resource_id = excluded.resource_id,
         revision = excluded.revision, created_at = now()`,
);

/** Stores a key with its answer, or with the revision that will answer it. */
export async function insertKey(
  tx: Db,
  { caller, key, fingerprint }: IdempotencyKey,
  outcome: { answer: Answer } | { resourceId: string; revision: number },
): Promise<void> {
  if ('answer' in outcome)
    await tx.query(INSERT, [caller, key, fingerprint, JSON.stringify(outcome.answer), null, null]);
  else await tx.query(INSERT, [caller, key, fingerprint, null, outcome.resourceId, outcome.revision]);
}

const SET_ANSWER = sql<[resourceId: string, revision: number, answer: string], { answer: Answer }>(
  'idempotency.set_answer',
  `update idempotency_keys set answer = coalesce(answer, $3::jsonb) where resource_id = $1 and revision = $2 returning answer`,
);

/** Stores the answer of the key that made a revision, unless one is stored; returns the stored one, if there is such a key. */
export async function setAnswer(
  tx: Db,
  resourceId: string,
  revision: number,
  answer: Answer,
): Promise<Answer | undefined> {
  const [row] = await tx.query(SET_ANSWER, [resourceId, revision, JSON.stringify(answer)]);
  return row?.answer;
}

const DELETE_UNANSWERED = sql<[resourceId: string, revision: number]>(
  'idempotency.delete_unanswered',
  `delete from idempotency_keys where resource_id = $1 and revision = $2 and answer is null`,
);

/** Forgets the key that made a revision, unless it has been answered. */
export async function deleteUnanswered(tx: Db, resourceId: string, revision: number): Promise<void> {
  await tx.query(DELETE_UNANSWERED, [resourceId, revision]);
}

const DELETE_EXPIRED = sql<[limit: number], { key: string }>(
  'idempotency.delete_expired',
  `delete from idempotency_keys
    where (caller, key) in (
      select caller, key from idempotency_keys where created_at < now() - interval '24 hours' limit $1 for update skip locked)
   returning key`,
);

/** Deletes keys older than a day, at most `limit`; returns how many. */
export async function deleteExpired(db: Db, limit: number): Promise<number> {
  return (await db.query(DELETE_EXPIRED, [limit])).length;
}

const SAVEPOINT = sql<[]>('idempotency.savepoint', 'savepoint work');
const ROLLBACK = sql<[]>('idempotency.rollback', 'rollback to savepoint work');

export const setSavepoint = (tx: Db): Promise<unknown> => tx.query(SAVEPOINT, []);
export const rollbackToSavepoint = (tx: Db): Promise<unknown> => tx.query(ROLLBACK, []);
