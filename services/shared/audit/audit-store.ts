import { crc32 } from 'node:zlib';
import type { Db } from '../db/database.ts';
import { append } from '../db/statement.ts';
import type { AuditEvent } from './event.ts';

/** An entry of the trail as parameters of a statement: its events as JSON, and the keys they are looked up by, as PostgreSQL writes an array. */
export type EntryArgs = [events: string | null, keys: string];

/** What an entry is looked up by instead of an id in lower case or a subject; others may have the same key. */
export const keyOf = (text: string): number => crc32(text) | 0;

/** An event as it is stored: what it is, without the names, in the order in which the view `audit_events` reads it. */
const membersOf = (event: AuditEvent): unknown[] => [
  event.subject,
  event.role,
  event.action,
  event.method,
  event.route,
  event.status,
  event.problem,
  event.resourceId,
  // Mostly it is about what its path names.
  event.about.length === 1 && event.about[0] === event.resourceId ? null : event.about,
  event.sourceIp,
  event.requestId,
];

/** Events as one entry; without any they are none. */
export function entryArgs(events: readonly AuditEvent[]): EntryArgs {
  const keys = new Set<number>();
  for (const { subject, about } of events) {
    keys.add(keyOf(subject));
    for (const id of about) keys.add(keyOf(id));
  }
  return [events.length === 0 ? null : JSON.stringify(events.map(membersOf)), `{${[...keys].join()}}`];
}

/** `insert` of the entry in two parameters from number `first` on, unless it is none; with `from` once for each row of that. */
export const insertEntryText = (first: number, from?: string): string =>
  `insert into audit_entries (events, keys)
   select $${first}::json, $${first + 1}::integer[]${from === undefined ? '' : ` from ${from}`}
    where $${first} is not null`;

const INSERT_ENTRY = append<EntryArgs, { id: string }>(
  'audit.insert_entry',
  `${insertEntryText(1)} returning id::text`,
);

/**
 * Appends events; they are final when their transaction has committed.
 * @throws Error when the database takes them and keeps none, as a trigger or a rule could make it
 */
export async function insertEvents(db: Db, events: readonly AuditEvent[]): Promise<void> {
  const kept = await db.query(INSERT_ENTRY, entryArgs(events));
  if (kept.length !== 1) throw new Error('The database did not keep the events');
}
