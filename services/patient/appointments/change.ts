import type { Database, Db } from '../../shared/db/database.ts';
import type { Answer } from '../../shared/http/answer.ts';
import type { IdempotencyKey } from '../../shared/idempotency/key.ts';
import { claimKey, isKept, keptProblem } from '../../shared/idempotency/once.ts';
import { insertKey, rollbackToSavepoint, setSavepoint } from '../../shared/idempotency/store.ts';
import { Problem } from '../../shared/problem/problem.ts';
import type { OpenWish } from './outbox-store.ts';
import { resume } from './resume.ts';

/**
 * Opens the next revision of an appointment in one transaction, once per key.
 * @param open stores the revision; what it throws with status 409 stays with the key
 * @returns the revision to settle, or the answer of a key that has been here before
 */
export async function openOnce(
  db: Database,
  key: IdempotencyKey | undefined,
  open: (tx: Db) => Promise<OpenWish>,
): Promise<{ wish: OpenWish } | { earlier: Answer }> {
  if (key === undefined) return { wish: await db.tx(open) };
  return db.tx(async (tx) => {
    const claim = await claimKey(tx, key);
    if (claim.state !== 'new') return { earlier: await resume(tx, claim) };
    await setSavepoint(tx);
    try {
      const wish = await open(tx);
      await insertKey(tx, key, { resourceId: wish.appointmentId, revision: wish.revision });
      return { wish };
    } catch (error) {
      if (!(error instanceof Problem) || !isKept(error.status, error.type)) throw error;
      await rollbackToSavepoint(tx);
      const earlier = keptProblem(error);
      await insertKey(tx, key, { answer: earlier });
      return { earlier };
    }
  });
}
