import { v7 as uuidv7 } from 'uuid';
import type { Db } from '../../shared/db/database.ts';
import type { Answer, Representation } from '../../shared/http/answer.ts';
import type { IdempotencyKey } from '../../shared/idempotency/key.ts';
import { claimKey, keptProblem } from '../../shared/idempotency/once.ts';
import { insertKey } from '../../shared/idempotency/store.ts';
import { notFound } from '../../shared/problem/problem.ts';
import { type BookingRequest, patientBusy } from './appointment.ts';
import { insertPending, type OpenWish, type PendingInsert } from './outbox-store.ts';
import { resume } from './resume.ts';
import { type OpenedRevision, type SettleParts, settleNow } from './settle.ts';

const unknownPatient = () => notFound('No patient has this patientId.');
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
    const waiting = inserted(await insertPending(parts.db, wish.appointmentId, request, false));
    return settleNow(parts, { wish, waiting });
  }
  const opened = await parts.db.tx((tx) => insertOnce(tx, wish, request, key));
  return 'earlier' in opened ? opened.earlier : settleNow(parts, opened);
}

/** Appointment and key commit together; an earlier answer means that the key has been here before, or that the patient is busy. */
async function insertOnce(
  tx: Db,
  wish: OpenWish,
  request: BookingRequest,
  key: IdempotencyKey,
): Promise<OpenedRevision | { earlier: Answer }> {
  const claim = await claimKey(tx, key);
  if (claim.state !== 'new') return { earlier: await resume(tx, claim) };
  const outcome = await insertPending(tx, wish.appointmentId, request, true);
  if ('refused' in outcome && outcome.refused === 'patient-busy') {
    const earlier = keptProblem(busyProblem());
    await insertKey(tx, key, { answer: earlier });
    return { earlier };
  }
  const waiting = inserted(outcome);
  await insertKey(tx, key, { resourceId: wish.appointmentId, revision: wish.revision });
  return { wish, waiting };
}

/** @throws not-found (patient), patient-busy */
function inserted(outcome: PendingInsert): Representation {
  if ('inserted' in outcome) return outcome.inserted;
  throw outcome.refused === 'patient-busy' ? busyProblem() : unknownPatient();
}
