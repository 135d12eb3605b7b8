import type { Db } from '../../shared/db/database.ts';
import { sql } from '../../shared/db/statement.ts';

const SHARED = sql<[doctorId: string]>(
  'calendar.lock_shared',
  'select pg_advisory_xact_lock_shared(2, hashtext($1))',
);
const EXCLUSIVE = sql<[doctorId: string]>(
  'calendar.lock_exclusive',
  'select pg_advisory_xact_lock(2, hashtext($1))',
);

/**
 * Locks a doctor's calendar until the transaction ends: shared to take time in it, exclusive to change its schedule or exceptions or
 * to delete the doctor. A closing exception and a reservation cannot see each other's uncommitted rows; without the lock both would
 * succeed. Take it in a statement of its own, before anything is read: a statement's snapshot is older than the locks it takes.
 */
export async function lockCalendar(tx: Db, doctorId: string, mode: 'shared' | 'exclusive'): Promise<void> {
  await tx.query(mode === 'shared' ? SHARED : EXCLUSIVE, [doctorId]);
}
