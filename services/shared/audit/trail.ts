import type { Caller } from '../caller/caller.ts';
import type { Answer } from '../http/answer.ts';
import { currentContext } from '../log/context.ts';
import type { Action, AuditEvent } from './event.ts';

/** What one request is going to leave in the audit trail; it is filled in while the request is being answered. */
export interface Trail {
  /** As its endpoint declares. */
  readonly action: Action | 'none';
  readonly method: string;
  readonly route: string;
  readonly sourceIp: string | undefined;
  /** Known as soon as the token is verified; without one there is no event. */
  caller: Pick<Caller, 'subject' | 'role'> | undefined;
  resourceId: string | undefined;
  /** Whom the request names, beside those whom its answer is about. */
  readonly about: string[];
  /** Whether its handler was called: from then on also a refusal of what was sent may tell of a record. */
  handled: boolean;
  /** Whether a transaction has taken the event with it. */
  kept: boolean;
}

export const openTrail = (
  { audit, path }: { audit: Action | 'none'; path: string },
  { method, sourceIp }: { method: string; sourceIp: string | undefined },
): Trail => ({
  action: audit,
  method,
  route: path,
  sourceIp,
  caller: undefined,
  resourceId: undefined,
  about: [],
  handled: false,
  kept: false,
});

/** Adds whom the request is about, once. Not a set: V8 would keep each id, as its key, for longer than the request. */
export function addAbout({ about }: Trail, id: string): void {
  if (!about.includes(id)) about.push(id);
}

/** What came of a request, as far as its event tells. */
export type Outcome = Pick<Answer, 'status' | 'problem' | 'about'>;

/** What failed on our side has told nobody anything, and neither have refusals before a record was looked at. */
const leavesNone = (status: number, handled: boolean): boolean =>
  status >= 500 || (!handled && [400, 401, 405, 413, 415, 422, 428, 429].includes(status));

/** The event of a request with this outcome, if it leaves one. */
export function eventOf(trail: Trail, { status, problem, about = [] }: Outcome): AuditEvent | undefined {
  const { action, caller, method, route } = trail;
  if (action === 'none' || caller === undefined || leavesNone(status, trail.handled)) return undefined;
  return {
    subject: caller.subject,
    role: caller.role ?? null,
    action,
    method,
    route,
    status,
    problem: problem ?? null,
    resourceId: trail.resourceId ?? null,
    about: about.length === 0 ? trail.about : [...new Set([...trail.about, ...about])],
    sourceIp: trail.sourceIp ?? null,
    requestId: currentContext()?.requestId ?? '',
  };
}
