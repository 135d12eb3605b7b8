import { change } from '../../shared/audit/keep.ts';
import type { Trail } from '../../shared/audit/trail.ts';
import type { Database } from '../../shared/db/database.ts';
import { type Answer, noContent } from '../../shared/http/answer.ts';
import { requireVersion } from '../../shared/http/version.ts';
import { hasUpcoming } from '../reservations/store.ts';
import { lockCalendar } from '../schedules/lock-store.ts';
import { hasUpcomingReservations } from './doctor.ts';
import { lockDoctor, setDeleted } from './store.ts';

/**
 * Takes a doctor out of every list and read; the row and the licence number stay.
 * @throws not-found, version-mismatch, has-upcoming-reservations
 */
export const deleteDoctor = (
  db: Database,
  doctorId: string,
  { ifMatch, trail }: { ifMatch: string | undefined; trail: Trail },
): Promise<Answer> =>
  change(db, trail, async (tx) => {
    // A reservation that is being made is waited for, and the next one finds no doctor.
    await lockCalendar(tx, doctorId, 'exclusive');
    const { version } = await lockDoctor(tx, doctorId);
    requireVersion(ifMatch, version);
    if (await hasUpcoming(tx, doctorId))
      throw hasUpcomingReservations('Release or move the reservations that have not ended first.');
    await setDeleted(tx, doctorId);
    return noContent();
  });
