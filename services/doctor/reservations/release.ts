import { change } from '../../shared/audit/keep.ts';
import type { Trail } from '../../shared/audit/trail.ts';
import type { Database } from '../../shared/db/database.ts';
import { type Answer, noContent } from '../../shared/http/answer.ts';
import { revisionMismatch, superseded } from './reservation.ts';
import { findNewest, insertReleased, lockAppointment, releaseOlder } from './store.ts';

/**
 * Frees the time of an appointment, also of one that never arrived here: its row is a tombstone, so that a late
 * question about an older revision cannot bring the time back. Repeating it changes nothing.
 * @throws superseded when a newer revision was answered, revision-mismatch when this one was answered as a reservation
 */
export const release = (
  db: Database,
  { appointmentId, revision, trail }: { appointmentId: string; revision: number; trail: Trail },
): Promise<Answer> =>
  change(db, trail, async (tx) => {
    const [, newest] = await Promise.all([lockAppointment(tx, appointmentId), findNewest(tx, appointmentId)]);
    if (newest !== undefined && newest.revision > revision)
      throw superseded('A newer revision of this appointment was answered already.');
    if (newest?.revision === revision) {
      // A reservation that was released by a newer revision has that newer row; this one is a release of its own.
      if (newest.state !== 'released')
        throw revisionMismatch('This revision was answered as a reservation, not as a release.');
      return noContent();
    }
    await insertReleased(tx, appointmentId, revision);
    await releaseOlder(tx, appointmentId, revision);
    return noContent();
  });
