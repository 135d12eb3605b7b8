import { defineList, type ListDefinition } from '../../shared/db/list.ts';
import { instantText } from '../../shared/db/statement.ts';

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
    patientId: 'e.about @> array[?::uuid]',
    subject: 'e.subject = ?',
    from: 'e.recorded_at >= ?',
    to: 'e.recorded_at < ?',
  },
} as const;

const newestFirst = { expression: 'e.recorded_at', type: 'timestamptz', descending: true };

// The expression is none of an index: walking along the time for the few events of a patient would take as long as all events are many.
const sortedNewestFirst = { ...newestFirst, expression: `(e.recorded_at + interval '0')` };

/** Audit events, newest first. */
export const eventList = defineList({
  ...events,
  name: 'audit.events',
  json: EVENT,
  orders: { '-recordedAt': newestFirst },
});

/** Audit events of one patient, newest first. */
export const patientEventList = defineList({
  ...events,
  name: 'audit.events_of_patient',
  json: EVENT,
  orders: { '-recordedAt': sortedNewestFirst },
});

/** The same, with what the patient may see of it. */
export const accessLog = defineList({
  ...events,
  name: 'audit.access_log',
  json: `json_strip_nulls(json_build_object(${SHOWN}))::text`,
  orders: { '-recordedAt': sortedNewestFirst },
} satisfies ListDefinition);
