import { v7 as uuidv7 } from 'uuid';
import type { Database, Db } from '../../shared/db/database.ts';
import { type Answer, created } from '../../shared/http/answer.ts';
import { type Kept, once } from '../../shared/idempotency/once.ts';
import { invalidRequest } from '../../shared/problem/problem.ts';
import type { Scope } from '../access.ts';
import { keepPatient, stillReaches } from '../patients/store.ts';
import type { Entry } from './entry.ts';
import { insertEntry, isAppointment } from './store.ts';

/** @throws not-found (the patient), invalid-request (an appointment of somebody else) */
export const recordEntry = (
  db: Database,
  patientId: string,
  { entry, by, scope, ...kept }: Kept & { entry: Entry; by: string; scope: Scope },
): Promise<Answer> =>
  once(
    db,
    kept,
    async (tx) => {
      await keepPatient(tx, patientId, scope);
      return appendEntry(tx, { patientId, entry, by });
    },
    stillReaches(patientId, scope),
  );

/**
 * Adds an entry to the history of a patient whom the transaction keeps.
 * @throws invalid-request (an appointment of somebody else), already-amended
 */
export async function appendEntry(
  tx: Db,
  addition: { patientId: string; entry: Entry; supersedes?: string; by: string },
): Promise<Answer> {
  const { patientId, entry } = addition;
  if (entry.appointmentId !== undefined && !(await isAppointment(tx, patientId, entry.appointmentId)))
    throw invalidRequest([
      { pointer: '#/appointmentId', detail: 'must be the id of an appointment of this patient' },
    ]);
  const id = uuidv7();
  return created(`/patients/${patientId}/history/${id}`, await insertEntry(tx, id, addition));
}
