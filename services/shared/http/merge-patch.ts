import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { type InvalidPart, invalidRequest, versionMismatch } from '../problem/problem.ts';
import { parseBody } from '../schema/parse.ts';

type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The target with the patch applied (RFC 7396 §2); neither is changed. Depth is bounded by the body's. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [member, value] of Object.entries(patch)) {
    if (value === null) merged.delete(member);
    else merged.set(member, mergePatch(merged.get(member), value));
  }
  return Object.fromEntries(merged);
}

/**
 * Takes the members that the server makes out of a body: they may come back as they were read.
 * @throws version-mismatch when `version` is another one, invalid-request when any other differs
 */
export function withoutServerMade(
  body: unknown,
  current: JsonObject,
  serverMade: readonly string[],
): unknown {
  if (!isObject(body)) return body;
  const errors: InvalidPart[] = [];
  const entries = Object.entries(body).filter(([member, value]) => {
    if (!serverMade.includes(member)) return true;
    const same = isDeepStrictEqual(value, current[member]);
    if (!same && member === 'version' && typeof value === 'number') {
      throw versionMismatch('The version in the body is not the present one; read it again.');
    }
    if (!same)
      errors.push({
        pointer: `#/${member}`,
        detail: 'is made by the server; leave it out or send it as it was read',
      });
    return false;
  });
  if (errors.length > 0) throw invalidRequest(errors);
  return Object.fromEntries(entries);
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
export const replaced = <Schema extends z.ZodType>({
  schema,
  current,
  body,
  serverMade,
}: Change<Schema>): z.output<Schema> => parseBody(schema, withoutServerMade(body, current, serverMade));

/** PATCH: the present state with the merge patch applied. @throws invalid-request, version-mismatch */
export function patched<Schema extends z.ZodType>({
  schema,
  current,
  body,
  serverMade,
}: Change<Schema>): z.output<Schema> {
  const settable = Object.fromEntries(
    Object.entries(current).filter(([member]) => !serverMade.includes(member)),
  );
  return parseBody(schema, mergePatch(settable, withoutServerMade(body, current, serverMade)));
}
