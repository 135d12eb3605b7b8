import type { Database, Db, TransactionOptions, Tx } from '../db/database.ts';
import { insertEvents } from './audit-store.ts';
import { eventOf, type Outcome, type Trail } from './trail.ts';

/**
 * Writes the event of a request in the transaction that makes its change, which must be `changing`. As the last statement, with
 * `tx.last`, it costs no wait of its own.
 */
export async function keepEvent(tx: Db, trail: Trail, outcome: Outcome): Promise<void> {
  const event = eventOf(trail, outcome);
  if (event === undefined) return;
  trail.kept = true;
  await insertEvents(tx, [event]);
}

/** A transaction whose work keeps the request's event by `keepEvent`. */
export async function changing<Result>(
  db: Database,
  trail: Trail,
  work: (tx: Tx) => Promise<Result>,
  options?: TransactionOptions,
): Promise<Result> {
  try {
    return await db.tx(work, options);
  } catch (error) {
    // It went with the transaction, so that whoever answers keeps it.
    trail.kept = false;
    throw error;
  }
}

/** A transaction that makes a change, answers by it, and keeps the event of both. */
export const change = <Told extends Outcome>(
  db: Database,
  trail: Trail,
  work: (tx: Db) => Promise<Told>,
): Promise<Told> =>
  changing(db, trail, async (tx) => {
    const answer = await work(tx);
    await keepEvent(tx.last, trail, answer);
    return answer;
  });
