import { v7 as uuidv7 } from 'uuid';
import type { Db, Tx } from '../../shared/db/database.ts';
import type { Answer } from '../../shared/http/answer.ts';
import type { IdempotencyKey } from '../../shared/idempotency/key.ts';
import { claimKey, keptProblem } from '../../shared/idempotency/once.ts';
import { insertKey } from '../../shared/idempotency/store.ts';
import { type Problem, tooManyRequests } from '../../shared/problem/problem.ts';
import type { Scope } from '../access.ts';
import { requirePatient, stillReaches } from '../patients/store.ts';
import { type BookingRequest, patientBusy } from './appointment.ts';
import { countPending, insertPending, type OpenWish } from './outbox-store.ts';
import { resume } from './resume.ts';
import { type OpenedRevision, type SettleParts, settleNow } from './settle.ts';

export const busyProblem = () => patientBusy('The patient has another appointment that overlaps this time.');

export interface BookCall {
  request: BookingRequest;
  /** Whose records the caller reaches. */
  scope: Scope;
  /** So many bookings of the patient may wait for their answer; no limit if undefined. */
  maxPending: number | undefined;
  key: IdempotencyKey | undefined;
}

/**
 * Books an appointment: stores it as pending, then asks the doctor service for the time. Whatever dies in between, the stored
 * row is asked about again until there is an answer.
 * @throws not-found (patient), patient-busy, and the doctor service's refusals
 */
export async function bookAppointment(parts: SettleParts, call: BookCall): Promise<Answer> {
  const { request, key } = call;
  const { doctorId, startsAt, endsAt } = request;
  const wish: OpenWish = {
    appointmentId: uuidv7(),
    revision: 1,
    wanted: { doctorId, startsAt, endsAt },
    keyed: key !== undefined,
  };
  if (key === undefined) {
    const waiting = await insertPending(parts.db, wish.appointmentId, request, { ...call, keyed: false });
    if (waiting === undefined) throw await refusal(parts.db, call);
    return settleNow(parts, { wish, waiting });
  }
  const opened = await parts.db.tx((tx) => insertOnce(tx, wish, call, key), { beginsByLocking: true });
  return 'earlier' in opened ? opened.earlier : settleNow(parts, opened);
}

/** Appointment and key commit together; an earlier answer means that the key has been here before, or that the patient is busy. */
async function insertOnce(
  tx: Tx,
  wish: OpenWish,
  call: BookCall,
  key: IdempotencyKey,
): Promise<OpenedRevision | { earlier: Answer }> {
  const claim = await claimKey(tx, key);
  if (claim.state !== 'new') {
    await stillReaches(call.request.patientId, call.scope)(tx);
    return { earlier: await resume(tx, claim) };
  }
  const waiting = await insertPending(tx, wish.appointmentId, call.request, {
    ...call,
    keyed: true,
  });
  if (waiting === undefined) {
    const answer = keptProblem(await refusal(tx, call));
    await insertKey(tx.last, key, { answer });
    return { earlier: answer };
  }
  await insertKey(tx.last, key, { resourceId: wish.appointmentId, revision: wish.revision });
  return { wish, waiting };
}

/** Why a booking was not stored: patient-busy. @throws not-found (patient), too-many-requests */
async function refusal(db: Db, { request, scope, maxPending }: BookCall): Promise<Problem> {
  await requirePatient(db, request.patientId, scope);
  if (maxPending !== undefined && (await countPending(db, request.patientId)) >= maxPending)
    throw tooManyRequests(
      `At most ${maxPending} bookings of a patient may wait for their answer; try again when they have it.`,
      5,
    );
  return busyProblem();
}
