import type { Db } from '../db/database.ts';
import { sql } from '../db/statement.ts';
import type { AuditEvent } from './event.ts';

/** `insert` of the events in a parameter that holds a JSON array; with `from` it inserts them once for each row of that. */
export const insertEventsText = (parameter: string, from = ''): string =>
  `insert into audit_events (subject, role, action, method, route, status, problem, resource_id, about, source_ip, request_id)
   select e.subject, e.role, e.action, e.method, e.route, e.status, e.problem, e."resourceId", e.about, e."sourceIp", e."requestId"
     from ${from}${from === '' ? '' : ', '}json_to_recordset(${parameter}::json) as e (
            subject text, role text, action text, method text, route text, status smallint, problem text, "resourceId" uuid,
            about uuid[], "sourceIp" text, "requestId" text)`;

const INSERT_EVENTS = sql<[events: string]>('audit.insert_events', insertEventsText('$1'));

/** Appends events; they are final when their transaction has committed. */
export async function insertEvents(db: Db, events: readonly AuditEvent[]): Promise<void> {
  await db.query(INSERT_EVENTS, [JSON.stringify(events)]);
}
