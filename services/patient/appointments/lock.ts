import type { Db } from '../../shared/db/database.ts';
import { requireVersion } from '../../shared/http/version.ts';
import { notFound } from '../../shared/problem/problem.ts';
import { isLimited, type Scope } from '../access.ts';
import { type AppointmentState, findAppointment, lockAppointment } from './store.ts';

export const unknownAppointment = () => notFound('There is no such appointment.');

/** What must hold before a key's first answer is told again: the appointment is still within the scope. */
export const stillReaches =
  (id: string, scope: Scope) =>
  async (tx: Db): Promise<void> => {
    if (isLimited(scope) && (await findAppointment(tx, id, scope)) === undefined) throw unknownAppointment();
  };

/**
 * The appointment, locked until the transaction ends.
 * @throws not-found, also when it is not within the scope; version-mismatch
 */
export async function lockPresent(
  tx: Db,
  { id, scope, ifMatch }: { id: string; scope: Scope; ifMatch: string | undefined },
): Promise<AppointmentState> {
  const present = await lockAppointment(tx, id, scope);
  if (present === undefined) throw unknownAppointment();
  requireVersion(ifMatch, present.version);
  return present;
}
