import { addAbout, type Trail } from '../../shared/audit/trail.ts';
import type { Db } from '../../shared/db/database.ts';
import { requireVersion } from '../../shared/http/version.ts';
import { notFound } from '../../shared/problem/problem.ts';
import { isLimited, type Scope } from '../access.ts';
import { type AppointmentState, findAppointment, findPatientOf, lockAppointment } from './store.ts';

export const unknownAppointment = () => notFound('There is no such appointment.');

/** What must hold before a key's first answer is told again: the appointment is still within the scope. */
export const stillReaches =
  ({ id, scope, trail }: { id: string; scope: Scope; trail: Trail }) =>
  async (tx: Db): Promise<void> => {
    concern(trail, await findPatientOf(tx, id));
    if (isLimited(scope) && (await findAppointment(tx, id, scope)) === undefined) throw unknownAppointment();
  };

/** A problem tells something of the appointment too, as what state it is in. */
function concern(trail: Trail, patientId: string | undefined): void {
  if (patientId !== undefined) addAbout(trail, patientId);
}

/**
 * The appointment, locked until the transaction ends.
 * @throws not-found, also when it is not within the scope; version-mismatch
 */
export async function lockPresent(
  tx: Db,
  { id, scope, ifMatch, trail }: { id: string; scope: Scope; ifMatch: string | undefined; trail: Trail },
): Promise<AppointmentState> {
  const present = await lockAppointment(tx, id, scope);
  if (present === undefined) throw unknownAppointment();
  concern(trail, present.patientId);
  requireVersion(ifMatch, present.version);
  return present;
}
