import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { createAuthenticator } from '../shared/auth/authenticate.ts';
import { type Issuer, readIssuers } from '../shared/auth/issuers.ts';
import { Problem } from '../shared/problem/problem.ts';

export const ROLES = { reader: {}, writer: { ownIdClaim: 'writer_id' } };
/** A deny list without entries. */
export const nobody = { denies: () => false };
export const REFUSED = '401 unauthenticated';

/** Issuers as a file in that folder has them. */
export function issuersOf(folder: string, ...entries: object[]): readonly Issuer[] {
  const file = path.join(folder, 'issuers.json');
  writeFileSync(file, JSON.stringify(entries));
  return readIssuers(file, Object.keys(ROLES));
}

/** The caller that a token makes, or the word of its problem. */
export async function ask(authenticate: ReturnType<typeof createAuthenticator>, token: string | undefined) {
  try {
    const authorization = token === undefined ? undefined : `Bearer ${token}`;
    return await authenticate({
      headers: authorization === undefined ? {} : { authorization },
      rawHeaders: authorization === undefined ? [] : ['Authorization', authorization],
    });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return `${error.status} ${error.type}`;
  }
}
