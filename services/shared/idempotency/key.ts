import { createHash } from 'node:crypto';
import type { Caller } from '../caller/caller.ts';
import { defineProblem, invalidRequest } from '../problem/problem.ts';

export const keyReused = defineProblem(
  'idempotency-key-reused',
  422,
  'The Idempotency-Key belongs to another request',
);
export const requestInProgress = defineProblem(
  'request-in-progress',
  409,
  'The request with this Idempotency-Key is still running',
);

/** A client's key for one request: its caller, its text and what was asked. */
export interface IdempotencyKey {
  caller: string;
  key: string;
  /** SHA-256 of method, path and JSON by value, as hexadecimal digits. */
  fingerprint: string;
}

/** JSON with its members in one order, so that equal values have equal texts (the idea of RFC 8785). */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([member, content]) => `${JSON.stringify(member)}:${canonical(content)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? '';
}

/** Whose keys these are: the same subject in another role, or for another record, is somebody else. */
const identityOf = ({ subject, role, ownId }: Caller): string =>
  role === undefined ? subject : JSON.stringify([subject, role, ownId]);

/**
 * The request's key, or undefined without the header. The header is accepted as an RFC 8941 string and bare.
 * @throws invalid-request when it is empty or longer than 255 characters
 */
export function readKey(
  header: string | undefined,
  caller: Caller,
  method: string,
  path: string,
  body: unknown,
): IdempotencyKey | undefined {
  if (header === undefined) return undefined;
  const quoted = /^"(.*)"$/s.exec(header.trim())?.[1];
  const key = quoted === undefined ? header.trim() : quoted.replace(/\\(["\\])/g, '$1');
  if (key.length < 1 || key.length > 255 || !/^[\x20-\x7e]+$/.test(key)) {
    throw invalidRequest([
      { header: 'Idempotency-Key', detail: 'must have 1 to 255 printable ASCII characters' },
    ]);
  }
  const fingerprint = createHash('sha256')
    .update(`${method} ${path}\n${canonical(body)}`)
    .digest('hex');
  return { caller: identityOf(caller), key, fingerprint };
}
