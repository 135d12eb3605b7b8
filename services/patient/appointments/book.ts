import { v7 as uuidv7 } from 'uuid';
import { changing } from '../../shared/audit/keep.ts';
import { addAbout, eventOf } from '../../shared/audit/trail.ts';
import type { Db, Tx } from '../../shared/db/database.ts';
import type { Answer, Representation } from '../../shared/http/answer.ts';
import type { IdempotencyKey } from '../../shared/idempotency/key.ts';
import { claimKey, type Kept, keepAnswer, keptProblem } from '../../shared/idempotency/once.ts';
import { insertKey } from '../../shared/idempotency/store.ts';
import { type Problem, tooManyRequests } from '../../shared/problem/problem.ts';
import type { Scope } from '../access.ts';
import { requirePatient, stillReaches } from '../patients/store.ts';
import { type BookingRequest, patientBusy } from './appointment.ts';
import { countPending, insertPending, type OpenWish } from './outbox-store.ts';
import { resume } from './resume.ts';
import { type OpenedRevision, type SettleParts, settleNow } from './settle.ts';

export const busyProblem = () => patientBusy('The patient has another appointment that overlaps this time.');

export interface BookCall extends Kept {
  request: BookingRequest;
  /** Whose records the caller reaches. */
  scope: Scope;
  /** So many bookings of the patient may wait for their answer; no limit if undefined. */
  maxPending: number | undefined;
}

/**
 * Books an appointment: stores it as pending, then asks the doctor service for the time. Whatever dies in between, the stored
 * row is asked about again until there is an answer.
 * @throws not-found (patient), patient-busy, and the doctor service's refusals
 */
export async function bookAppointment(parts: SettleParts, call: BookCall): Promise<Answer> {
  const { request, key, trail } = call;
  const { patientId, doctorId, startsAt, endsAt } = request;
  addAbout(trail, patientId);
  const wish: OpenWish = {
    appointmentId: uuidv7(),
    revision: 1,
    wanted: { doctorId, startsAt, endsAt },
    keyed: key !== undefined,
  };
  if (key === undefined) {
    const waiting = await storePending(parts.db, wish, call);
    if (waiting === undefined) throw await refusal(parts.db, call);
    return settleNow(parts, { wish, waiting });
  }
  const work = (tx: Tx) => insertOnce(tx, wish, call, key);
  const opened = await changing(parts.db, trail, work, { beginsByLocking: true });
  return 'earlier' in opened ? opened.earlier : settleNow(parts, opened);
}

/** Stores the booking and, in the same statement, the event of its request: 202, because nobody knows yet what comes of it. */
async function storePending(
  db: Db,
  { appointmentId, keyed }: OpenWish,
  call: BookCall,
): Promise<Representation | undefined> {
  const event = eventOf(call.trail, { status: 202 });
  const waiting = await insertPending(db, appointmentId, call.request, { ...call, keyed, event });
  call.trail.kept = waiting !== undefined;
  return waiting;
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
  const waiting = await storePending(tx, wish, call);
  if (waiting === undefined) {
    const answer = keptProblem(await refusal(tx, call));
    await keepAnswer(tx, { ...call, key }, { answer }, answer);
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
