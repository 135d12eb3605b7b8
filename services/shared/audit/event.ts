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
