import { changing, keepEvent } from '../../shared/audit/keep.ts';
import type { Database, Db } from '../../shared/db/database.ts';
import type { Answer } from '../../shared/http/answer.ts';
import { claimKey, isKept, type Kept, keepAnswer, keptProblem } from '../../shared/idempotency/once.ts';
import { rollbackToSavepoint, setSavepoint } from '../../shared/idempotency/store.ts';
import { Problem } from '../../shared/problem/problem.ts';
import { resume } from './resume.ts';
import { type OpenedRevision, toldSoFar } from './settle.ts';

/**
 * Opens the next revision of an appointment in one transaction, once per key.
 * @param open stores the revision; what it throws with status 409 stays with the key
 * @param mayAnswer throws when the caller may no longer see what the first answer shows
 * @returns the revision to settle, or the answer of a key that has been here before
 */
export async function openOnce(
  db: Database,
  { key, trail }: Kept,
  open: (tx: Db) => Promise<OpenedRevision>,
  mayAnswer: (tx: Db) => Promise<void>,
): Promise<OpenedRevision | { earlier: Answer }> {
  if (key === undefined)
    return changing(db, trail, async (tx) => {
      const opened = await open(tx);
      await keepEvent(tx.last, trail, toldSoFar(opened));
      return opened;
    });
  return changing(db, trail, async (tx) => {
    const claim = await claimKey(tx, key);
    if (claim.state !== 'new') {
      await mayAnswer(tx);
      return { earlier: await resume(tx, claim) };
    }
    await setSavepoint(tx);
    try {
      const opened = await open(tx);
      const { appointmentId, revision } = opened.wish;
      await keepAnswer(tx, { key, trail }, { resourceId: appointmentId, revision }, toldSoFar(opened));
      return opened;
    } catch (error) {
      if (!(error instanceof Problem) || !isKept(error.status, error.type)) throw error;
      await rollbackToSavepoint(tx);
      const earlier = keptProblem(error);
      await keepAnswer(tx, { key, trail }, { answer: earlier }, earlier);
      return { earlier };
    }
  });
}
