import type { Database, Db } from '../../shared/db/database.ts';
import type { Answer } from '../../shared/http/answer.ts';
import type { Kept } from '../../shared/idempotency/once.ts';
import { everybody, type Scope } from '../access.ts';
import { type CancelRequest, canCancel, transitionProblem } from './appointment.ts';
import { openOnce } from './change.ts';
import { lockPresent, stillReaches } from './lock.ts';
import { insertWish, type OpenWish, openCancellation } from './outbox-store.ts';
import { answerTo } from './outcome.ts';
import { answerKey, type OpenedRevision, type SettleParts, settleNow } from './settle.ts';
import { type AppointmentState, lockAppointment } from './store.ts';

export interface CancelCall extends Kept {
  id: string;
  request: CancelRequest;
  scope: Scope;
  ifMatch: string | undefined;
}

/**
 * Cancels, also while a booking or a change waits for its answer. It holds at once; the doctor's time is freed at once or as soon
 * as the doctor service is back, because the next revision wants no time and is asked until it is answered.
 * @throws not-found, version-mismatch, invalid-transition
 */
export async function cancelAppointment(parts: SettleParts, call: CancelCall): Promise<Answer> {
  const { reason, by } = call.request ?? {};
  const opened = await openOnce(
    parts.db,
    call,
    async (tx) => {
      const present = await lockPresent(tx, call);
      if (!canCancel(present.status))
        throw transitionProblem('cancel', present.status, present.previousStatuses);
      return openRelease(tx, present, { ...reason, by }, call.key !== undefined);
    },
    stillReaches(call),
  );
  return 'earlier' in opened ? opened.earlier : settleNow(parts, opened);
}

/** Cancels a booking that nobody confirmed before it was to start; the settler then asks for the release. */
export const cancelUnconfirmed = (db: Database, id: string): Promise<void> =>
  db.tx(async (tx) => {
    const present = await lockAppointment(tx, id, everybody);
    if (present?.status !== 'pending' || !present.started) return;
    await openRelease(tx, present, { code: 'not-confirmed-in-time', by: 'organisation' }, false);
  });

async function openRelease(
  tx: Db,
  present: AppointmentState,
  cancellation: object,
  keyed: boolean,
): Promise<OpenedRevision> {
  const { id, revision, patientId } = present;
  const wish: OpenWish = { appointmentId: id, revision: revision + 1, wanted: null, keyed };
  await insertWish(tx, wish, patientId);
  const waiting = await openCancellation(tx, id, wish.revision, cancellation);
  if (!present.settled) await answerOvertaken(tx, present);
  return { wish, waiting };
}

/** The overtaken revision will never be answered: its key gets what is known, the appointment as it waited. */
async function answerOvertaken(tx: Db, { id, revision, json, version }: AppointmentState): Promise<void> {
  const overtaken: OpenWish = { appointmentId: id, revision, wanted: null, keyed: true };
  const answer = answerTo(
    revision === 1 ? 'book' : 'reschedule',
    { outcome: 'superseded' },
    { id, json, version },
  );
  await answerKey(tx, overtaken, answer);
}
