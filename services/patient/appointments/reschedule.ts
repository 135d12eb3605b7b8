import type { Db } from '../../shared/db/database.ts';
import type { Answer } from '../../shared/http/answer.ts';
import type { Kept } from '../../shared/idempotency/once.ts';
import type { Scope } from '../access.ts';
import { type RescheduleRequest, rescheduled, transitionProblem, waitingProblem } from './appointment.ts';
import { busyProblem } from './book.ts';
import { openOnce } from './change.ts';
import { lockPresent, stillReaches } from './lock.ts';
import { insertWish, type OpenWish, openRevision } from './outbox-store.ts';
import { type OpenedRevision, type SettleParts, settleNow } from './settle.ts';

export interface RescheduleCall extends Kept {
  id: string;
  change: RescheduleRequest;
  scope: Scope;
  ifMatch: string | undefined;
}

/**
 * Asks for another time or doctor. The old time stays reserved until the new one is granted; while the question waits, both are held.
 * @throws not-found, version-mismatch, invalid-transition, change-in-progress, patient-busy, and the doctor service's refusals
 */
export async function rescheduleAppointment(parts: SettleParts, call: RescheduleCall): Promise<Answer> {
  const opened = await openOnce(parts.db, call, (tx) => openWish(tx, call), stillReaches(call));
  return 'earlier' in opened ? opened.earlier : settleNow(parts, opened);
}

async function openWish(tx: Db, call: RescheduleCall): Promise<OpenedRevision> {
  const { id, change, key } = call;
  const present = await lockPresent(tx, call);
  if (present.status !== 'booked')
    throw transitionProblem('reschedule', present.status, present.previousStatuses);
  if (!present.settled) throw waitingProblem();
  const wish: OpenWish = {
    appointmentId: id,
    revision: present.revision + 1,
    wanted: rescheduled(present, change),
    keyed: key !== undefined,
  };
  if (!(await insertWish(tx, wish, present.patientId))) throw busyProblem();
  return { wish, waiting: await openRevision(tx, id, wish.revision) };
}
