import type { Database } from '../../shared/db/database.ts';
import { type Answer, ok } from '../../shared/http/answer.ts';
import { type Kept, once } from '../../shared/idempotency/once.ts';
import type { Scope } from '../access.ts';
import { type Action, afterAction, transitionProblem, waitingProblem } from './appointment.ts';
import { lockPresent, stillReaches } from './lock.ts';
import { setStatus } from './store.ts';

export interface ActCall extends Kept {
  id: string;
  action: Action;
  scope: Scope;
  ifMatch: string | undefined;
}

/**
 * Check-in, start, complete, no-show and undo. They concern the patient's promise only: the doctor's time stays as it is.
 * @throws not-found, version-mismatch, invalid-transition, change-in-progress
 */
export const act = (db: Database, call: ActCall): Promise<Answer> =>
  once(
    db,
    call,
    async (tx) => {
      const { id, action } = call;
      const { status, previousStatuses, settled } = await lockPresent(tx, call);
      const next = afterAction(action, status, previousStatuses);
      if (next === undefined) throw transitionProblem(action, status, previousStatuses);
      if (!settled) throw waitingProblem();
      return ok(await setStatus(tx, id, next.status, next.previous));
    },
    stillReaches(call),
  );
