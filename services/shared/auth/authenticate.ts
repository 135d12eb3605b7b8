import type { IncomingMessage } from 'node:http';
import type { Caller } from '../caller/caller.ts';
import { defineProblem } from '../problem/problem.ts';
import { uuid } from '../schema/schema.ts';
import type { DenyList } from './deny-list.ts';
import type { Issuer } from './issuers.ts';
import { unauthenticated } from './unauthenticated.ts';
import { createVerifier, type Verified } from './verify.ts';

export const forbidden = defineProblem('forbidden', 403, 'This caller may not do this');

/** The roles that a service knows: the claim that names a role's own record, where it has one; whether it may ask as often as it likes. */
export type Roles = Readonly<Record<string, { ownIdClaim?: string; isUnlimited?: boolean }>>;

/** What a JSON Pointer (RFC 6901) points at. */
function at(value: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>(
      (parent, step) =>
        typeof parent === 'object' && parent !== null && Object.hasOwn(parent, step)
          ? (parent as Record<string, unknown>)[step]
          : undefined,
      value,
    );
}

/** The roles of ours that a token means; anything but one is none. */
function rolesOf({ claims, issuer }: Verified, known: Roles): ReadonlySet<string> {
  const claimed = at(claims, issuer.roleClaim);
  const words = (Array.isArray(claimed) ? claimed : [claimed]).filter((word) => typeof word === 'string');
  const { roles, subjects } = issuer;
  const meant = words.map((word) => {
    if (roles !== undefined) return Object.hasOwn(roles, word) ? roles[word] : undefined;
    return Object.hasOwn(known, word) ? word : undefined;
  });
  if (subjects !== undefined && Object.hasOwn(subjects, claims.sub)) meant.push(subjects[claims.sub]);
  return new Set(meant.filter((role) => role !== undefined));
}

/** Two issuers may give the same name to two people (OpenID Connect Core §2: `sub` is unique within `iss`). */
const subjectOf = ({ claims, issuer }: Verified): string => `${issuer.issuer}#${claims.sub}`;

function callerOf(verified: Verified, roles: ReadonlySet<string>, known: Roles): Caller {
  const subject = subjectOf(verified);
  const [role, ...others] = roles;
  if (role === undefined || others.length > 0)
    throw forbidden('The token must mean exactly one of the roles that are known here.', { subject });
  const caller = { subject, role, ownId: undefined };
  const { ownIdClaim } = known[role] ?? {};
  if (ownIdClaim === undefined) return caller;
  const own = uuid.safeParse(verified.claims[ownIdClaim]);
  if (!own.success)
    throw forbidden(`A token of the role ${role} must have the claim ${ownIdClaim}, a UUID.`, { subject });
  return { ...caller, ownId: own.data };
}

/** How often a header was sent; `headersDistinct` would make a list of each of them. */
function countOf(name: string, rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const sent = rawHeaders[index];
    if (sent?.length === name.length && sent.toLowerCase() === name) count += 1;
  }
  return count;
}

/**
 * Tells who sends a request, by its bearer token (RFC 6750 §2.1) and nothing else.
 * @param admit is told the subject of every good token but those of roles without a limit; what it throws refuses the request
 * @throws unauthenticated, forbidden (no role, or several), unavailable (an issuer's keys cannot be had)
 */
export function createAuthenticator(
  issuers: readonly Issuer[],
  known: Roles,
  denyList: DenyList,
  admit: (subject: string) => void = () => undefined,
) {
  const verify = createVerifier(issuers, denyList);
  // A token that is verified once is sent again and again, and always means the same caller.
  const callers = new WeakMap<Verified, Caller>();
  const admitUnlessUnlimited = (role: string | undefined, subject: string): void => {
    if (role === undefined || known[role]?.isUnlimited !== true) admit(subject);
  };
  return async ({
    headers,
    rawHeaders,
  }: Pick<IncomingMessage, 'headers' | 'rawHeaders'>): Promise<Caller> => {
    // Whoever stands between might believe another one of them than we do.
    if (countOf('authorization', rawHeaders) > 1)
      throw unauthenticated('Send one Authorization header.', 'malformed');
    const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(headers.authorization ?? '') ?? [];
    if (token === undefined)
      throw unauthenticated(
        'Send a token: Authorization: Bearer …',
        headers.authorization === undefined ? 'missing' : 'malformed',
      );
    const verified = await verify(token);
    const met = callers.get(verified);
    if (met !== undefined) {
      admitUnlessUnlimited(met.role, met.subject);
      return met;
    }
    const roles = rolesOf(verified, known);
    const [role, ...others] = roles;
    admitUnlessUnlimited(others.length === 0 ? role : undefined, subjectOf(verified));
    const caller = callerOf(verified, roles, known);
    callers.set(verified, caller);
    return caller;
  };
}
