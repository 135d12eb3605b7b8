import { change, changing, keepEvent } from '../audit/keep.ts';
import type { Outcome, Trail } from '../audit/trail.ts';
import type { Database, Db, Tx } from '../db/database.ts';
import type { Answer } from '../http/answer.ts';
import { problemAnswer } from '../http/send.ts';
import { currentContext } from '../log/context.ts';
import type { Log } from '../log/log.ts';
import { Problem } from '../problem/problem.ts';
import { type IdempotencyKey, keyReused, requestInProgress } from './key.ts';
import { deleteExpired, findKey, insertKey, lockKey, rollbackToSavepoint, setSavepoint } from './store.ts';

/** Problems that tell about the moment, not about the request. */
const PASSING = new Set(['request-in-progress', 'change-in-progress']);

/** Whether an answer stays with its key: 2xx and every 409 that decides something. */
export const isKept = (status: number, problemType?: string): boolean =>
  (status >= 200 && status < 300) || (status === 409 && !PASSING.has(problemType ?? ''));

/** A problem as the answer that a key keeps. */
export const keptProblem = (problem: Problem): Answer => problemAnswer(problem, currentContext()?.requestId);

export type Claim =
  | { state: 'new' }
  | { state: 'answered'; answer: Answer }
  | { state: 'unanswered'; resourceId: string; revision: number };

/**
 * Claims a key for the rest of the transaction. `unanswered` is a key whose first try died between its commit and its answer.
 * @throws idempotency-key-reused, request-in-progress
 */
export async function claimKey(tx: Db, key: IdempotencyKey): Promise<Claim> {
  // They go out together; what is stored is read after the lock.
  const [free, stored] = await Promise.all([lockKey(tx, key), findKey(tx, key)]);
  if (!free)
    throw requestInProgress(
      'A request with this Idempotency-Key is being answered; try again in a moment.',
      RETRY,
    );
  if (stored === undefined) return { state: 'new' };
  if (stored.fingerprint !== key.fingerprint) {
    throw keyReused('This Idempotency-Key was sent with another method, path or body in the last 24 hours.');
  }
  if (stored.answer !== null) return { state: 'answered', answer: stored.answer };
  if (!stored.leaseOver)
    throw requestInProgress(
      'The request with this Idempotency-Key is being decided; try again in a moment.',
      RETRY,
    );
  return { state: 'unanswered', resourceId: stored.resourceId ?? '', revision: stored.revision ?? 0 };
}

const RETRY = { headers: { 'retry-after': '1' } };

/** What `once` keeps beside the work: the key, if the client sent one, and the event of the request. */
export interface Kept {
  key: IdempotencyKey | undefined;
  trail: Trail;
}

/**
 * Runs `work` in a transaction, once per key: the same key gets the first answer again. Work, key, answer and event commit together.
 * @param mayAnswer throws when the caller may no longer see what the first answer shows
 * @throws what `work` throws; idempotency-key-reused, request-in-progress
 */
export async function once(
  db: Database,
  { key, trail }: Kept,
  work: (tx: Db) => Promise<Answer>,
  mayAnswer: (tx: Db) => Promise<void> = async () => undefined,
): Promise<Answer> {
  if (key === undefined) return change(db, trail, work);
  return changing(db, trail, async (tx) => {
    const claim = await claimKey(tx, key);
    if (claim.state === 'answered') {
      await mayAnswer(tx);
      return claim.answer;
    }
    await setSavepoint(tx);
    let answer: Answer;
    try {
      answer = await work(tx);
    } catch (error) {
      if (!(error instanceof Problem) || !isKept(error.status, error.type)) throw error;
      await rollbackToSavepoint(tx);
      answer = keptProblem(error);
    }
    await keepAnswer(tx, { key, trail }, { answer }, answer);
    return answer;
  });
}

/** Stores what a key waits for, with the event of its request, and commits. */
export async function keepAnswer(
  tx: Tx,
  { key, trail }: Kept & { key: IdempotencyKey },
  outcome: Parameters<typeof insertKey>[2],
  told: Outcome,
): Promise<void> {
  // Without waiting in between; the event goes first, because not every request leaves one.
  await Promise.all([keepEvent(tx, trail, told), insertKey(tx.last, key, outcome)]);
}

const SWEEP_INTERVAL_MS = 60_000;
const SWEEP_BATCH = 1_000;

/**
 * Deletes keys older than a day, once a minute, in small batches until none is left.
 * @returns `stop`, which resolves when no batch is under way
 */
export function sweepKeys(
  db: Database,
  log: Log,
  intervalMs = SWEEP_INTERVAL_MS,
): { stop: () => Promise<void> } {
  let stopped = false;
  let sweeping: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;

  const sweep = async (): Promise<void> => {
    try {
      while (!stopped && (await deleteExpired(db, SWEEP_BATCH)) === SWEEP_BATCH);
    } catch (error) {
      log.warn({ error }, 'expired idempotency keys could not be deleted');
    }
    if (!stopped) sweepLater();
  };
  const sweepLater = (): void => {
    timer = setTimeout(() => {
      sweeping = sweep();
    }, intervalMs);
    timer.unref();
  };
  sweepLater();

  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await sweeping;
    },
  };
}
