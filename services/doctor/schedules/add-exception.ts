import { v7 as uuidv7 } from 'uuid';
import type { Db } from '../../shared/db/database.ts';
import type { Representation } from '../../shared/http/answer.ts';
import { requireDoctor } from '../doctors/store.ts';
import type { ExceptionBody } from './exception.ts';
import { closedOver, requireNoneInTheWay } from './in-the-way.ts';
import { lockCalendar } from './lock-store.ts';
import { insertException } from './store.ts';

/**
 * Closes or opens time of a doctor's calendar, in the caller's transaction.
 * @throws not-found, reservations-in-the-way
 */
export async function addException(
  tx: Db,
  doctorId: string,
  { keepReservations, ...exception }: ExceptionBody,
): Promise<Representation> {
  await lockCalendar(tx, doctorId, 'exclusive');
  await requireDoctor(tx, doctorId);
  const stored = await insertException(tx, uuidv7(), doctorId, exception);
  if (exception.kind === 'closed' && !keepReservations)
    await requireNoneInTheWay(tx, doctorId, closedOver(exception));
  return stored;
}
