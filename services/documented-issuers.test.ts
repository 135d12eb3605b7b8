import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { roles } from './patient/access.ts';
import { createAuthenticator } from './shared/auth/authenticate.ts';
import { type Issuer, readIssuers } from './shared/auth/issuers.ts';
import { createIssuer } from './testing/tokens.ts';

const OWN = '018f0000-0000-7000-8000-0000000000ab';

/** The issuers that a page of ours shows, as they stand there. */
function documented(page: string): { issuer: string }[] {
  const text = readFileSync(path.join(import.meta.dirname, '..', page), 'utf8');
  return [...text.matchAll(/```json\n([\s\S]*?)```/g)]
    .flatMap(([, json = '']) => JSON.parse(json))
    .filter((entry) => entry.issuer !== undefined);
}

const issuers = [...documented('docs/operations.md'), ...documented('README.md')];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'issuers-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const read = (entry: object): readonly Issuer[] => {
  const file = path.join(folder, 'issuers.json');
  writeFileSync(file, JSON.stringify([entry]));
  return readIssuers(file, Object.keys(roles));
};

test('Keycloak, Entra ID, Dex and the README’s own are documented', () => {
  expect(issuers.map(({ issuer }) => new URL(issuer).host)).toEqual([
    'login.example.org',
    'login.microsoftonline.com',
    'dex.example.org',
    'login.example.org',
  ]);
});

describe.each(issuers)('the documented entry of $issuer', (entry) => {
  test('is one that a service starts with', () => {
    expect(read(entry)).toHaveLength(1);
  });
});

/** What each provider's documentation says that its tokens look like, beside iss, aud, iat, exp and sub. */
const TOKENS: [string, (role: string) => Record<string, unknown>][] = [
  [
    'login.example.org/realms',
    (role) => ({
      typ: 'Bearer',
      azp: 'front-end',
      realm_access: { roles: ['offline_access', 'uma_authorization', role] },
    }),
  ],
  ['login.microsoftonline.com', (role) => ({ ver: '2.0', azp: 'front-end', scp: 'use', roles: [role] })],
  ['dex.example.org', (role) => ({ email: 'a@example.org', groups: ['everybody', role] })],
];

test.each(TOKENS)('tokens of %s mean the roles that its entry says', async (host, claimsOf) => {
  const entry = issuers.find(({ issuer }) => issuer.includes(host)) as unknown as Issuer;
  const { jwksUri: _remote, ...rest } = entry;
  const issuer = await createIssuer({ issuer: entry.issuer, audience: entry.audience });
  const known = read({ ...rest, algorithms: ['ES256'], jwks: issuer.entry.jwks });
  const authenticate = createAuthenticator(known, roles, { denies: () => false });
  for (const [word, role] of Object.entries(entry.roles ?? {})) {
    const token = await issuer.sign({ ...claimsOf(word), doctor_id: OWN, patient_id: OWN });
    const authorization = `Bearer ${token}`;
    const caller = await authenticate({
      headers: { authorization },
      rawHeaders: ['Authorization', authorization],
    });
    expect(caller.role).toBe(role);
  }
});
