import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { type InvalidPart, versionMismatch } from '../problem/problem.ts';
import { parseBody, unknownMembers } from '../schema/parse.ts';

type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The target with the patch applied (RFC 7396 §2); neither is changed. Depth is bounded by the body's. */
export const mergePatch = (target: unknown, patch: unknown): unknown => merge(target, patch, false);

function merge(target: unknown, patch: unknown, keepsNull: boolean): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [member, value] of Object.entries(patch)) {
    if (value === null && !keepsNull) merged.delete(member);
    else merged.set(member, merge(merged.get(member), value, keepsNull));
  }
  return Object.fromEntries(merged);
}

/**
 * Takes the members that the server makes out of a body: they may come back as they were read.
 * @throws version-mismatch when `version` is another one
 */
function withoutServerMade(
  body: unknown,
  current: JsonObject,
  serverMade: readonly string[],
): { rest: unknown; errors: InvalidPart[] } {
  if (!isObject(body)) return { rest: body, errors: [] };
  const isServerMade = ([member]: [string, unknown]) => serverMade.includes(member);
  const errors: InvalidPart[] = [];
  for (const [member, value] of Object.entries(body).filter(isServerMade)) {
    if (isDeepStrictEqual(value, current[member])) continue;
    if (member === 'version' && typeof value === 'number') {
      throw versionMismatch('The version in the body is not the present one; read it again.');
    }
    errors.push({
      pointer: `#/${member}`,
      detail: 'is made by the server; leave it out or send it as it was read',
    });
  }
  const rest = Object.fromEntries(Object.entries(body).filter((entry) => !isServerMade(entry)));
  return { rest, errors };
}

interface Change<Schema extends z.ZodType> {
  schema: Schema;
  /** The present representation. */
  current: JsonObject;
  /** As it was sent. */
  body: unknown;
  /** Members of the representation that no client can set. */
  serverMade: readonly string[];
}

/** PUT: the body as the whole new state. @throws invalid-request, version-mismatch */
export function replaced<Schema extends z.ZodType>({
  schema,
  current,
  body,
  serverMade,
}: Change<Schema>): z.output<Schema> {
  const { rest, errors } = withoutServerMade(body, current, serverMade);
  return parseBody(schema, rest, errors);
}

/** PATCH: the present state with the merge patch applied. @throws invalid-request, version-mismatch */
export function patched<Schema extends z.ZodType>({
  schema,
  current,
  body,
  serverMade,
}: Change<Schema>): z.output<Schema> {
  const { rest, errors } = withoutServerMade(body, current, serverMade);
  const settable = Object.fromEntries(
    Object.entries(current).filter(([member]) => !serverMade.includes(member)),
  );
  // A null leaves no trace in the result: whether its member is known shows only while it is there.
  const unknown = unknownMembers(schema, merge(settable, rest, true));
  return parseBody(schema, mergePatch(settable, rest), [...errors, ...unknown]);
}
