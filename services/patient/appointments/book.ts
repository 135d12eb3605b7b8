import { v7 as uuidv7 } from 'uuid';
import type { Db } from '../../shared/db/database.ts';
import type { Answer } from '../../shared/http/answer.ts';
import type { IdempotencyKey } from '../../shared/idempotency/key.ts';
import { claimKey, keptProblem } from '../../shared/idempotency/once.ts';
import { insertKey } from '../../shared/idempotency/store.ts';
import type { Problem } from '../../shared/problem/problem.ts';
import { requirePatient } from '../patients/store.ts';
import { type BookingRequest, patientBusy } from './appointment.ts';
import { insertPending, type OpenWish } from './outbox-store.ts';
import { resume } from './resume.ts';
import { type SettleParts, settleNow } from './settle.ts';

export const busyProblem = () => patientBusy('The patient has another appointment that overlaps this time.');

/**
 * Books an appointment: stores it as pending, then asks the doctor service for the time. Whatever dies in between, the stored
 * row is asked about again until there is an answer.
 * @throws not-found (patient), patient-busy, and the doctor service's refusals
 */
export async function bookAppointment(
  parts: SettleParts,
  request: BookingRequest,
  key: IdempotencyKey | undefined,
): Promise<Answer> {
  const { doctorId, startsAt, endsAt } = request;
  const wish: OpenWish = {
    appointmentId: uuidv7(),
    revision: 1,
    wanted: { doctorId, startsAt, endsAt },
    keyed: key !== undefined,
  };
  if (key === undefined) {
    if (!(await insertPending(parts.db, wish.appointmentId, request, false)))
      throw await refusal(parts.db, request);
    return settleNow(parts, wish);
  }
  const earlier = await parts.db.tx((tx) => insertOnce(tx, wish, request, key));
  return earlier ?? settleNow(parts, wish);
}

/**
 * Appointment and key commit together.
 * @returns an earlier answer, if the key has been here before or the patient is busy
 */
async function insertOnce(
  tx: Db,
  wish: OpenWish,
  request: BookingRequest,
  key: IdempotencyKey,
): Promise<Answer | undefined> {
  const claim = await claimKey(tx, key);
  if (claim.state !== 'new') return resume(tx, claim);
  if (!(await insertPending(tx, wish.appointmentId, request, true))) {
    const answer = keptProblem(await refusal(tx, request));
    await insertKey(tx, key, { answer });
    return answer;
  }
  await insertKey(tx, key, { resourceId: wish.appointmentId, revision: wish.revision });
  return undefined;
}

/** Why a booking was not stored: patient-busy. @throws not-found (patient) */
async function refusal(db: Db, { patientId }: BookingRequest): Promise<Problem> {
  await requirePatient(db, patientId);
  return busyProblem();
}
