import type { Problem } from '../problem/problem.ts';
import { pointerTo } from '../schema/parse.ts';
import { forbidden } from './authenticate.ts';

/** 403 that names the members which its sender may not set, or not so. */
export const refusedMembers = (errors: readonly { pointer: string; detail: string }[]): Problem =>
  forbidden('This caller may not set all of these members; see errors.', { extra: { errors } });

/**
 * Lets a body pass that has no member but those that its sender may set; a body that is no object is somebody else's to judge.
 * @throws forbidden with a pointer to each other member
 */
export function requireMembers(body: unknown, maySet: (member: string) => boolean): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return;
  const refused = Object.entries(body).flatMap(([member, value]) =>
    value === undefined || maySet(member) ? [] : member,
  );
  if (refused.length === 0) return;
  throw refusedMembers(
    refused.map((member) => ({ pointer: pointerTo([member]), detail: 'may not be set by this caller' })),
  );
}
