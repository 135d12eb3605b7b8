import type { Db } from '../../shared/db/database.ts';
import { defineList } from '../../shared/db/list.ts';
import { instantText, lookup, sql } from '../../shared/db/statement.ts';
import type { Representation } from '../../shared/http/answer.ts';
import { notFound } from '../../shared/problem/problem.ts';
import { PATIENT } from './store.ts';

const RECORD = sql<[id: string, changedBy: string], Representation>(
  'patient_versions.record',
  `insert into patient_versions (patient_id, version, changed_at, changed_by, patient)
   select p.id, p.version, p.updated_at, $2, ${PATIENT} from patients p where p.id = $1
   returning patient_id as id, patient::text as json, version, patient_id as about`,
);

/** Keeps the state that a transaction has given a patient, and returns it. */
export async function recordVersion(tx: Db, id: string, changedBy: string): Promise<Representation> {
  const [row] = await tx.query(RECORD, [id, changedBy]);
  if (row === undefined) throw new Error('A patient that was just written is not there');
  return row;
}

/** A version `v` as it leaves. */
const VERSION = `json_strip_nulls(json_build_object(
  'version', v.version,
  'changedAt', ${instantText('v.changed_at')},
  'changedBy', v.changed_by,
  'patient', v.patient))::text`;

const FROM = 'from patient_versions v join patients p on p.id = v.patient_id and p.deleted_at is null';

const FIND = lookup<[id: string, version: number], Representation>(
  'patient_versions.find',
  `select v.patient_id as id, ${VERSION} as json, v.version ${FROM} where v.patient_id = $1 and v.version = $2`,
);

/** @throws not-found */
export async function getVersion(db: Db, id: string, version: number): Promise<Representation> {
  const [row] = await db.query(FIND, [id, version]);
  if (row === undefined) throw notFound('There is no such version of a patient.');
  return row;
}

export const versionList = defineList({
  name: 'patient_versions.list',
  json: VERSION,
  from: FROM,
  id: 'v.patient_id',
  filters: { patientId: 'v.patient_id = ?' },
  orders: { '-version': { expression: 'v.version', type: 'integer', descending: true } },
});
