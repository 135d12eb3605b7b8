import type { Db } from '../../shared/db/database.ts';
import { instantText, lookup, sql } from '../../shared/db/statement.ts';
import type { Representation } from '../../shared/http/answer.ts';
import { type Page, type Position, pageOf } from '../../shared/http/cursor.ts';
import { startOfPeriod } from '../../shared/schema/schema.ts';
import type { Entry } from './entry.ts';

const SUPERSEDED_BY = '(select newer.id from history newer where newer.supersedes = h.id)';

const entryJson = (supersededBy: string): string => `json_strip_nulls(json_build_object(
  'id', h.id,
  'patientId', h.patient_id,
  'kind', h.kind,
  'description', h.description,
  'code', h.code,
  'occurredAt', h.occurred_at,
  'endedAt', h.ended_at,
  'severity', h.severity,
  'appointmentId', h.appointment_id,
  'supersedes', h.supersedes,
  'supersededBy', ${supersededBy},
  'enteredInError', nullif(h.entered_in_error, false),
  'recordedBy', h.recorded_by,
  'createdAt', ${instantText('h.created_at')}))::text`;

/** An entry `h` that nothing supersedes. */
const NEWEST = entryJson('null::uuid');

/** A completed appointment `a` as it leaves. */
const VISIT = `json_strip_nulls(json_build_object(
  'id', a.id,
  'patientId', a.patient_id,
  'kind', 'visit',
  'description', coalesce(a.reason, 'Visit'),
  'occurredAt', ${instantText('a.starts_at')},
  'endedAt', ${instantText('a.ends_at')},
  'appointmentId', a.id,
  'doctorId', a.doctor_id))::text`;

const INSERT = sql<
  [
    id: string,
    patientId: string,
    kind: string,
    description: string,
    code: string | undefined,
    occurredAt: string,
    occurredFrom: string,
    endedAt: string | undefined,
    severity: string | undefined,
    appointmentId: string | undefined,
    supersedes: string | undefined,
    enteredInError: boolean,
    recordedBy: string,
  ],
  Representation
>(
  'history.insert',
  `insert into history as h (id, patient_id, kind, description, code, occurred_at, occurred_from, ended_at, severity,
                             appointment_id, supersedes, entered_in_error, recorded_by)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
   returning h.id, ${NEWEST} as json, 1 as version`,
);

/** @throws already-amended */
export async function insertEntry(
  tx: Db,
  id: string,
  { patientId, entry, supersedes, by }: { patientId: string; entry: Entry; supersedes?: string; by: string },
): Promise<Representation> {
  const {
    kind,
    description,
    code,
    occurredAt,
    endedAt,
    severity,
    appointmentId,
    enteredInError = false,
  } = entry;
  const codeText = code && Object.keys(code).length > 0 ? JSON.stringify(code) : undefined;
  const [row] = await tx.query(INSERT, [
    id,
    patientId,
    kind,
    description,
    codeText,
    occurredAt,
    startOfPeriod(occurredAt),
    endedAt,
    severity,
    appointmentId,
    supersedes,
    enteredInError,
    by,
  ]);
  if (row === undefined) throw new Error('An entry that was just written is not there');
  return row;
}

const FIND_ENTRY = lookup<[patientId: string, id: string], Representation>(
  'history.find_entry',
  // An entry changes once: when another supersedes it.
  `select h.id, ${entryJson('newer.id')} as json, case when newer.id is null then 1 else 2 end as version
     from history h left join history newer on newer.supersedes = h.id
    where h.id = $2 and h.patient_id = $1`,
);

export async function findEntry(db: Db, patientId: string, id: string): Promise<Representation | undefined> {
  const [row] = await db.query(FIND_ENTRY, [patientId, id]);
  return row;
}

const FIND_VISIT = lookup<[patientId: string, id: string], Representation>(
  'history.find_visit',
  `select a.id, ${VISIT} as json, a.version
     from appointments a
    where a.id = $2 and a.patient_id = $1 and a.status = 'fulfilled'`,
);

export async function findVisit(db: Db, patientId: string, id: string): Promise<Representation | undefined> {
  const [row] = await db.query(FIND_VISIT, [patientId, id]);
  return row;
}

const IS_APPOINTMENT = sql<[patientId: string, appointmentId: string], { id: string }>(
  'history.is_appointment',
  'select id from appointments where id = $2 and patient_id = $1',
);

/** Whether the patient has such an appointment. */
export async function isAppointment(db: Db, patientId: string, appointmentId: string): Promise<boolean> {
  return (await db.query(IS_APPOINTMENT, [patientId, appointmentId])).length > 0;
}

const TIMELINE = sql<
  [
    patientId: string,
    kind: string | undefined,
    from: string,
    to: string,
    beforeTime: string,
    beforeId: string,
    limit: number,
  ],
  Position & { json: string }
>(
  'history.timeline',
  // Each half stops at the end of the page, so that the length of a history does not matter.
  `select json, id, at::text as "sortKey"
     from (
       (select ${NEWEST} as json, h.id, h.occurred_from as at
          from history h
         where h.patient_id = $1 and ($2::text is null or h.kind = $2)
           and h.occurred_from >= $3 and h.occurred_from < $4 and (h.occurred_from, h.id) < ($5, $6)
           and ${SUPERSEDED_BY} is null
         order by h.occurred_from desc, h.id desc
         limit $7)
       union all
       (select ${VISIT}, a.id, a.starts_at
          from appointments a
         where a.patient_id = $1 and a.status = 'fulfilled' and ($2::text is null or $2 = 'visit')
           and a.starts_at >= $3 and a.starts_at < $4 and (a.starts_at, a.id) < ($5, $6)
         order by a.starts_at desc, a.id desc
         limit $7)
     ) timeline
    order by at desc, id desc
    limit $7`,
);

/** Where a timeline begins when no page was before. */
const NEWEST_POSITION: Position = { sortKey: 'infinity', id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };

export interface TimelineRequest {
  kind?: string | undefined;
  /** The first moment, included. */
  from?: string | undefined;
  /** The end, not included. */
  to?: string | undefined;
  limit: number;
  after?: Position | undefined;
}

/** One page of what happened to a patient, newest first: entries that nothing supersedes, and completed visits. */
export async function timelinePage(
  db: Db,
  patientId: string,
  { kind, from = '-infinity', to = 'infinity', limit, after = NEWEST_POSITION }: TimelineRequest,
  order: string,
): Promise<Page> {
  const rows = await db.query(TIMELINE, [patientId, kind, from, to, after.sortKey, after.id, limit + 1]);
  return pageOf(rows, limit, order);
}
