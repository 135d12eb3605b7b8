import type { Db } from '../../shared/db/database.ts';
import type { Answer } from '../../shared/http/answer.ts';
import type { Claim } from '../../shared/idempotency/once.ts';
import { setAnswer } from '../../shared/idempotency/store.ts';
import { findOutcome } from './outbox-store.ts';
import { answerTo, changeOf, keptAnswer } from './outcome.ts';

/**
 * Answers a key that has been here before. One whose first try died without an answer is answered from its own revision: whoever ends a
 * revision answers its key in the same transaction, so this revision still waits for the doctor service.
 */
export async function resume(tx: Db, claim: Exclude<Claim, { state: 'new' }>): Promise<Answer> {
  if (claim.state === 'answered') return claim.answer;
  const { resourceId, revision } = claim;
  const found = await findOutcome(tx, resourceId, revision);
  if (found === undefined) throw new Error('A key names a revision that is not there');
  const answer = answerTo(changeOf({ revision, wanted: found.wantsTime ? {} : null }), found, found);
  const kept = keptAnswer(answer);
  if (kept === undefined) throw answer;
  return (await setAnswer(tx, resourceId, revision, kept)) ?? kept;
}
