/** What is done to a record, in the words of FHIR's AuditEvent. */
export type Action = 'create' | 'read' | 'update' | 'delete' | 'search';

/** One answered request: who asked for what, from where, whom it is about and what came of it. No body, no name, no query string. */
export interface AuditEvent {
  subject: string;
  /** Null under `AUTH=off`, and where a token means no role. */
  role: string | null;
  action: Action;
  method: string;
  /** The pattern of the path. */
  route: string;
  /** Of the answer; 202 where the event was committed before the final answer was known. */
  status: number;
  /** The word of the problem. */
  problem: string | null;
  /** The id in the path; the last, if there are several. */
  resourceId: string | null;
  /** The records whose data the answer holds, or that the request changed or asked for. */
  about: readonly string[];
  sourceIp: string | null;
  requestId: string;
}

/** An event as it is stored. Numbers of 64 bits and the instant, to the microsecond, are text: none of them may lose a digit. */
export interface StoredEvent extends AuditEvent {
  id: string;
  recordedAt: string;
  /** Of the transaction that stored it. */
  xid: string;
}

/** The bytes that the chain covers: JSON of all members in a fixed order, as UTF-8. */
export const canonicalBytes = (event: StoredEvent): Buffer =>
  Buffer.from(
    JSON.stringify([
      event.id,
      event.recordedAt,
      event.xid,
      event.subject,
      event.role,
      event.action,
      event.method,
      event.route,
      event.status,
      event.problem,
      event.resourceId,
      event.about,
      event.sourceIp,
      event.requestId,
    ]),
  );
