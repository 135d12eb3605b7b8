import type { z } from 'zod';
import type { Action } from '../audit/event.ts';
import type { Trail } from '../audit/trail.ts';
import type { Roles } from '../auth/authenticate.ts';
import type { Caller } from '../caller/caller.ts';
import type { IdempotencyKey } from '../idempotency/key.ts';
import type { Answer } from './answer.ts';

/** The record that a caller is, where the caller's role reaches only its own. */
export interface Own {
  role: string;
  id: string;
}

/**
 * The roles that may call, and what each reaches: `all` there is; what is its `own`, which the statements of the handler see to;
 * or only its `self`, where the path's `:id` must be the caller's own.
 */
export type Access = Readonly<Record<string, 'all' | 'own' | 'self'>>;

/** One request, read and validated. */
export interface Call<Query = unknown, Body = unknown> {
  /** Values of the path's parameters; those that are ids are lower-case UUIDs. */
  params: Readonly<Record<string, string>>;
  query: Query;
  body: Body;
  caller: Caller;
  /** Set when the caller's role reaches only what is its own; whatever is read or changed must be within it. */
  own: Own | undefined;
  ifMatch: string | undefined;
  /** Of a POST with an `Idempotency-Key`. */
  key: IdempotencyKey | undefined;
  /** What this request leaves in the audit trail; a transaction that changes something takes its event with it. */
  trail: Trail;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What an answer looks like, for the OpenAPI document: a schema, the words of its problems, or just a sentence. */
export type AnswerDescription = z.ZodType | readonly string[] | string;

interface Description {
  method: Method;
  /** With parameters as `:id`. Each is a UUID, unless `params` says otherwise. */
  path: string;
  summary: string;
  /** Who may call; a role that is missing may not. */
  access: Access;
  /** What its answered requests leave in the audit trail: an event with this action, or none. */
  audit: Action | 'none';
  /** The parameter of the path that names the record which its events are about. */
  about?: string;
  /** Parameters that are not UUIDs: the pattern that their text must match; anything else is not found. */
  params?: Readonly<Record<string, RegExp>>;
  answers: Readonly<Record<number, AnswerDescription>>;
}

/** One method of one path: everything that routing, validation and the OpenAPI document need, in one place. */
export interface Endpoint extends Description {
  query?: z.ZodObject;
  body?: z.ZodType;
  /**
   * `whole` replaces and `merge-patch` changes a resource: their bodies are compared with the present state first,
   * so that `handle` gets them as they were sent and validates the result.
   */
  change?: 'whole' | 'merge-patch';
  handle: (call: Call) => Promise<Answer>;
}

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** An endpoint whose handler gets what its schemas say. */
export function endpoint<
  Query extends z.ZodObject | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(
  definition: Description & {
    query?: Query;
    body?: Body;
    change?: undefined;
    handle: (call: Call<Parsed<Query>, Parsed<Body>>) => Promise<Answer>;
  },
): Endpoint {
  return definition as unknown as Endpoint;
}

/** An endpoint that replaces or changes a resource: its handler gets the body as it was sent (`replaced`, `patched`). */
export function changeEndpoint(
  definition: Description & {
    body: z.ZodType;
    query?: z.ZodObject;
    change: 'whole' | 'merge-patch';
    handle: (call: Call<unknown, unknown>) => Promise<Answer>;
  },
): Endpoint {
  return definition;
}

/** A path parameter of a matched route. @throws Error when the path has no such parameter, a defect */
export function param(call: Pick<Call, 'params'>, name: string): string {
  const value = call.params[name];
  if (value === undefined) throw new Error(`The path has no parameter ${name}`);
  return value;
}

/**
 * Holds every endpoint to declare who may call it, in roles that the service knows, and what it leaves in the audit trail.
 * @throws Error that names the endpoint, a defect that stops the start
 */
export function requireDeclarations(endpoints: readonly Endpoint[], roles: Roles): void {
  for (const { method, path, access = {}, audit, about } of endpoints) {
    const fault = (what: string) => new Error(`${method} ${path} ${what}`);
    if (audit === undefined) throw fault('does not declare what it leaves in the audit trail');
    if (about !== undefined && !path.split('/').includes(`:${about}`))
      throw fault(`declares that its events are about :${about}, and has no such parameter`);
    if (Object.keys(access).length === 0 && Object.keys(roles).length > 0)
      throw fault('does not declare who may call it');
    for (const [role, reach] of Object.entries(access)) {
      const known = Object.hasOwn(roles, role) ? roles[role] : undefined;
      if (known === undefined) throw fault(`declares the role ${role}, which nobody has`);
      if (reach === 'all') continue;
      if (known.ownIdClaim === undefined)
        throw fault(`limits the role ${role}, which has no record of its own`);
      if (reach === 'self' && !/\/:id(\/|$)/.test(path))
        throw fault(`limits the role ${role} to itself, and has no :id to compare`);
    }
  }
}
