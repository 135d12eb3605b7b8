import { defineProblem, type Problem } from '../problem/problem.ts';

/** What can be wrong with a request's token: for logs and metrics, for its sender it is all one. */
export const refusalReasons = [
  'missing',
  'malformed',
  'unknown-issuer',
  'unknown-key',
  'algorithm',
  'signature',
  'expired',
  'not-yet-valid',
  'audience',
  'claims',
  'denied',
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

const define = defineProblem('unauthenticated', 401, 'Who is calling is not known');

/** 401, with the challenge that RFC 6750 §3 asks for. */
export const unauthenticated = (detail: string, reason: RefusalReason): Problem =>
  define(detail, { headers: { 'www-authenticate': 'Bearer' }, reason });

/** 401 for a token. Nobody could tell the reasons apart from what they see, and an attacker should not. */
export const tokenRefused = (reason: RefusalReason): Problem =>
  unauthenticated('The token is not valid here: it may have expired, or be meant for somebody else.', reason);
