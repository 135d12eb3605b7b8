import { change } from '../../shared/audit/keep.ts';
import type { Trail } from '../../shared/audit/trail.ts';
import type { Database } from '../../shared/db/database.ts';
import { type Answer, noContent } from '../../shared/http/answer.ts';
import { requireVersion } from '../../shared/http/version.ts';
import type { Exception } from './exception.ts';
import { leftWithout, requireNoneInTheWay } from './in-the-way.ts';
import { lockCalendar } from './lock-store.ts';
import { deleteException, getException } from './store.ts';

interface Deletion {
  doctorId: string;
  exceptionId: string;
  ifMatch: string | undefined;
  trail: Trail;
  keepReservations: boolean;
}

/**
 * Takes an exception back. Without a closed one there is only more open time; without an open one visits may be left over.
 * @throws not-found, version-mismatch, reservations-in-the-way
 */
export const removeException = (
  db: Database,
  { doctorId, exceptionId, ifMatch, trail, keepReservations }: Deletion,
): Promise<Answer> =>
  change(db, trail, async (tx) => {
    await lockCalendar(tx, doctorId, 'exclusive');
    const { json, version } = await getException(tx, doctorId, exceptionId);
    requireVersion(ifMatch, version);
    await deleteException(tx, exceptionId);
    const exception: Exception = JSON.parse(json);
    if (exception.kind === 'open' && !keepReservations)
      await requireNoneInTheWay(tx, doctorId, leftWithout(exception));
    return noContent();
  });
