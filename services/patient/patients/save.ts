import { v7 as uuidv7 } from 'uuid';
import { change } from '../../shared/audit/keep.ts';
import type { Trail } from '../../shared/audit/trail.ts';
import type { Database, Db } from '../../shared/db/database.ts';
import { type Answer, created, ok } from '../../shared/http/answer.ts';
import type { patched, replaced } from '../../shared/http/merge-patch.ts';
import { requireVersion } from '../../shared/http/version.ts';
import { type Kept, once } from '../../shared/idempotency/once.ts';
import { invalidRequest } from '../../shared/problem/problem.ts';
import type { Scope } from '../access.ts';
import { isAfter, type Patient, patientBody, serverMade } from './patient.ts';
import { insertPatient, latestToday, lockPatient, updatePatient } from './store.ts';
import { recordVersion } from './version-store.ts';

/** @throws invalid-request, duplicate-patient */
export const createPatient = (
  db: Database,
  patient: Patient,
  { by, ...kept }: Kept & { by: string },
): Promise<Answer> =>
  once(db, kept, async (tx) => {
    await requireBorn(tx, patient);
    const id = uuidv7();
    await insertPatient(tx, id, patient);
    return created(`/patients/${id}`, await recordVersion(tx, id, by));
  });

/**
 * Replaces or changes a patient, as `apply` does with the body. Also what changes nothing is a version.
 * @throws not-found, version-mismatch, invalid-request, duplicate-patient
 */
export const changePatient = (
  db: Database,
  id: string,
  {
    body,
    ifMatch,
    by,
    scope,
    trail,
    apply,
  }: {
    body: unknown;
    ifMatch: string | undefined;
    by: string;
    scope: Scope;
    trail: Trail;
    apply: typeof replaced | typeof patched;
  },
): Promise<Answer> =>
  change(db, trail, async (tx) => {
    const { json, version } = await lockPatient(tx, id, scope);
    requireVersion(ifMatch, version);
    const current = JSON.parse(json);
    const patient = apply({ schema: patientBody, current, body, serverMade });
    await requireBorn(tx, patient);
    await updatePatient(tx, id, current, patient);
    return ok(await recordVersion(tx, id, by));
  });

async function requireBorn(tx: Db, { birthDate }: Patient): Promise<void> {
  if (isAfter(birthDate, await latestToday(tx)))
    throw invalidRequest([{ pointer: '#/birthDate', detail: 'must not be after today' }]);
}
