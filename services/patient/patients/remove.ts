import { change } from '../../shared/audit/keep.ts';
import type { Trail } from '../../shared/audit/trail.ts';
import type { Database } from '../../shared/db/database.ts';
import { type Answer, noContent, ok } from '../../shared/http/answer.ts';
import { requireVersion } from '../../shared/http/version.ts';
import { type Kept, once } from '../../shared/idempotency/once.ts';
import { notFound } from '../../shared/problem/problem.ts';
import { everybody } from '../access.ts';
import { hasUpcomingAppointments } from './patient.ts';
import { getPatient, hasUpcoming, lockPresence, setDeleted } from './store.ts';
import { recordVersion } from './version-store.ts';

interface Change {
  ifMatch: string | undefined;
  trail: Trail;
  by: string;
}

/**
 * Takes a patient out of every list and read; rows and identifiers stay.
 * @throws not-found, version-mismatch, has-upcoming-appointments
 */
export const deletePatient = (db: Database, id: string, { ifMatch, trail, by }: Change): Promise<Answer> =>
  change(db, trail, async (tx) => {
    // A booking that is being made is waited for, and the next one finds no patient.
    const { version, deleted } = await lockPresence(tx, id);
    if (deleted) throw notFound('There is no such patient.');
    requireVersion(ifMatch, version);
    if (await hasUpcoming(tx, id))
      throw hasUpcomingAppointments('Cancel or complete the appointments that have not ended first.');
    await setDeleted(tx, id, true);
    await recordVersion(tx, id, by);
    return noContent();
  });

/**
 * Brings a deleted patient back; one that is not deleted stays as it is.
 * @throws not-found, version-mismatch
 */
export const restorePatient = (
  db: Database,
  id: string,
  { ifMatch, by, ...kept }: Change & Kept,
): Promise<Answer> =>
  once(db, kept, async (tx) => {
    const { version, deleted } = await lockPresence(tx, id);
    requireVersion(ifMatch, version);
    if (!deleted) return ok(await getPatient(tx, id, everybody));
    await setDeleted(tx, id, false);
    return ok(await recordVersion(tx, id, by));
  });
