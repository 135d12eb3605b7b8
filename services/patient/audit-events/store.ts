import { keyOf } from '../../shared/audit/audit-store.ts';
import type { Db } from '../../shared/db/database.ts';
import { defineList, type ListDefinition } from '../../shared/db/list.ts';
import { instantText, sql } from '../../shared/db/statement.ts';

const SHOWN = `'id', e.id,
    'recordedAt', ${instantText('e.recorded_at')},
    'subject', e.subject,
    'role', e.role,
    'action', e.action,
    'method', e.method,
    'route', e.route,
    'status', e.status,
    'problem', e.problem,
    'resourceId', e.resource_id`;

const EVENT = `json_strip_nulls(json_build_object(${SHOWN},
    'patientIds', e.about,
    'sourceIp', e.source_ip,
    'requestId', e.request_id))::text`;

const events = {
  from: 'from audit_events e',
  id: 'e.id',
  idType: 'bigint',
  filters: {
    // An index finds their entries by these, which may hold other events too.
    patientKey: 'e.entry_keys @> array[?::integer]',
    patientId: 'e.about @> array[?::uuid]',
    subjectKey: 'e.entry_keys @> array[?::integer]',
    subject: 'e.subject = ?',
    from: 'e.recorded_at >= ?',
    to: 'e.recorded_at < ?',
  },
} as const;

type Filters = {
  patientId?: string | undefined;
  subject?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
};

/** The filters of a list, with the keys by which an index finds what they leave. */
export const withKeys = (filters: Filters) => ({
  ...filters,
  patientKey: filters.patientId === undefined ? undefined : keyOf(filters.patientId),
  subjectKey: filters.subject === undefined ? undefined : keyOf(filters.subject),
});

const newestFirst = { expression: 'e.recorded_at', type: 'timestamptz', descending: true };

// The expression is none of an index: walking along the time for the few events of somebody would take as long as all events are many.
const sortedNewestFirst = { ...newestFirst, expression: `(e.recorded_at + interval '0')` };

/** Audit events, newest first, for filters that leave many: it walks along the time. */
export const eventList = defineList({
  ...events,
  name: 'audit.events',
  json: EVENT,
  about: 'e.about',
  orders: { '-recordedAt': newestFirst },
});

/** Audit events, newest first, for filters that leave few: it collects and sorts them. */
export const fewEventsList = defineList({
  ...events,
  name: 'audit.few_events',
  json: EVENT,
  about: 'e.about',
  orders: { '-recordedAt': sortedNewestFirst },
});

/** The same, with what the patient may see of it. */
export const accessLog = defineList({
  ...events,
  name: 'audit.access_log',
  json: `json_strip_nulls(json_build_object(${SHOWN}))::text`,
  orders: { '-recordedAt': sortedNewestFirst },
} satisfies ListDefinition);

/** Up to so many entries are collected and sorted. */
const FEW = 5_000;

const COUNT_OF_SUBJECT = sql<[subjectKey: number, from: string | null, to: string | null], { count: number }>(
  'audit.count_of_subject',
  `select count(*) from (
     select from audit_entries e
      where e.keys @> array[$1::integer]
        and ($2::timestamptz is null or e.recorded_at >= $2) and ($3::timestamptz is null or e.recorded_at < $3)
      limit ${FEW}) counted`,
);

/** Whether somebody has done little in a time; the planner cannot know who does much. */
export async function hasFewEvents(
  db: Db,
  { subject, from, to }: { subject: string; from?: string | undefined; to?: string | undefined },
): Promise<boolean> {
  const [row] = await db.query(COUNT_OF_SUBJECT, [keyOf(subject), from ?? null, to ?? null]);
  return (row?.count ?? 0) < FEW;
}
