import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ask, issuersOf, nobody, REFUSED, ROLES } from '../../testing/authentication.ts';
import { eventually } from '../../testing/eventually.ts';
import { createIssuer, signWithPublicKey, type TestIssuer, unsigned } from '../../testing/tokens.ts';
import { createAuthenticator } from './authenticate.ts';
import { watchDenyList } from './deny-list.ts';

const OWN = '018f0000-0000-7000-8000-0000000000AB';

let folder: string;
let issuer: TestIssuer;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'auth-'));
  issuer = await createIssuer();
});
afterAll(() => rmSync(folder, { recursive: true }));

const fileWith = (content: unknown, name = 'issuers.json'): string => {
  const file = path.join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};

/** The caller that a token makes, or the word of its problem. */
async function outcome(
  token: string | undefined,
  { entries = [issuer.entry] as object[], denyList = nobody } = {},
): Promise<unknown> {
  const authenticate = createAuthenticator(issuersOf(folder, ...entries), ROLES, denyList);
  return ask(authenticate, token);
}

describe('a token', () => {
  test('tells subject, role and own record', async () => {
    expect(await outcome(await issuer.sign({ role: 'reader' }))).toEqual({
      subject: 'https://issuer.example#somebody',
      role: 'reader',
      ownId: undefined,
    });
    expect(await outcome(await issuer.sign({ role: 'writer', writer_id: OWN }))).toMatchObject({
      role: 'writer',
      ownId: OWN.toLowerCase(),
    });
  });

  test.each<[string, (good: Record<string, unknown>) => Promise<string | undefined> | string]>([
    ['none at all', async () => undefined],
    ['that is no token', () => 'nonsense'],
    ['without a signature, alg none', (good) => unsigned(issuer, good)],
    ['signed with the public key as a secret, HS256', (good) => signWithPublicKey(issuer, good)],
    ['of a key that the issuer does not have', async (good) => (await createIssuer()).sign(good)],
    [
      'of another issuer',
      async (good) => (await createIssuer({ issuer: 'https://other.example' })).sign(good),
    ],
    ['whose issuer is a list', (good) => issuer.sign({ ...good, iss: [issuer.entry.issuer] })],
    ['for another audience', (good) => issuer.sign({ ...good, aud: 'somebody-else' })],
    ['without an audience', (good) => issuer.sign({ ...good, aud: undefined })],
    ['without exp', (good) => issuer.sign({ ...good, exp: undefined })],
    ['without iat', (good) => issuer.sign({ ...good, iat: undefined })],
    ['without sub', (good) => issuer.sign({ ...good, sub: undefined })],
    ['that has expired', (good) => issuer.sign({ ...good, exp: Math.floor(Date.now() / 1000) - 10 })],
    ['that is not valid yet', (good) => issuer.sign({ ...good, nbf: Math.floor(Date.now() / 1000) + 60 })],
    ['that was changed', async (good) => (await issuer.sign(good)).replace(/\.[^.]*\./, `.${btoa('{}')}.`)],
    ['with a subject that is no text', (good) => issuer.sign({ ...good, sub: 77 })],
    ['with a subject that nothing could hold', (good) => issuer.sign({ ...good, sub: 'a\0b' })],
    ['with a longer subject than names have', (good) => issuer.sign({ ...good, sub: 'x'.repeat(256) })],
    ['with a jti that is no text', (good) => issuer.sign({ ...good, jti: 77 })],
    ['that is longer than any', async (good) => issuer.sign({ ...good, more: 'x'.repeat(9_000) })],
  ])('401 for one %s', async (_what, make) => {
    const authenticate = createAuthenticator(issuersOf(folder, issuer.entry), ROLES, nobody);
    // A good one first: what is remembered of it must not help another.
    expect(await ask(authenticate, await issuer.sign({ role: 'reader' }))).toMatchObject({ role: 'reader' });
    expect(await ask(authenticate, await make({ role: 'reader' }))).toBe(REFUSED);
  });

  test('401 when it is good but of another kind than the issuer says', async () => {
    const entries = [{ ...issuer.entry, typ: 'at+jwt' }];
    expect(await outcome(await issuer.sign({ role: 'reader' }), { entries })).toBe(REFUSED);
    const token = await issuer.sign({ role: 'reader' }, { typ: 'at+jwt' });
    expect(await outcome(token, { entries })).toMatchObject({ role: 'reader' });
  });

  test('401 when it is signed by an algorithm that the issuer does not use', async () => {
    const entries = [{ ...issuer.entry, algorithms: ['EdDSA'] }];
    expect(await outcome(await issuer.sign({ role: 'reader' }), { entries })).toBe(REFUSED);
  });

  test('401 where an issuer signs with what only another may', async () => {
    const other = await createIssuer({ issuer: 'https://other.example', audience: 'other' });
    const entries = [issuer.entry, other.entry];
    expect(await outcome(await other.sign({ role: 'reader' }), { entries })).toMatchObject({
      role: 'reader',
    });
    expect(await outcome(await other.sign({ role: 'reader', aud: 'clinic' }), { entries })).toBe(REFUSED);
    expect(await outcome(await other.sign({ role: 'reader', iss: issuer.entry.issuer }), { entries })).toBe(
      REFUSED,
    );
  });

  test.each([
    ['no role', {}],
    ['a role that nobody knows', { role: 'root' }],
    ['two roles', { role: ['reader', 'writer'], writer_id: OWN }],
    ['a role of which it does not name the own record', { role: 'writer' }],
    ['an own record that is no UUID', { role: 'writer', writer_id: "' or true" }],
    ['a role that every object has', { role: 'constructor' }],
  ])('403 for one with %s', async (_what, claims) => {
    expect(await outcome(await issuer.sign(claims))).toBe('403 forbidden');
  });

  test('is refused as soon as it or its subject is denied, remembered or not', async () => {
    const file = fileWith('\n', 'denied');
    const authenticate = createAuthenticator(
      issuersOf(folder, issuer.entry),
      ROLES,
      watchDenyList(file, () => undefined),
    );
    const token = await issuer.sign({ role: 'reader', jti: 'token-1' });
    expect(await ask(authenticate, token)).toMatchObject({ role: 'reader' });
    writeFileSync(file, 'somebody-else\ntoken-1\n');
    utimesSync(file, new Date(), new Date(Date.now() + 5_000));
    await eventually(async () => expect(await ask(authenticate, token)).toBe(REFUSED), 5_000);
    const denied = await issuer.sign({ role: 'reader', sub: 'somebody-else' });
    expect(await ask(authenticate, denied)).toBe(REFUSED);
    expect(await ask(authenticate, await issuer.sign({ role: 'reader' }))).toMatchObject({ role: 'reader' });
  });
});

test('a deny list that cannot be read at the start is no empty one', () => {
  const told: unknown[] = [];
  const missing = path.join(folder, 'no-such-list');
  expect(() => watchDenyList(missing, (error) => told.push(error))).toThrow('no-such-list cannot be read');
  expect(told).toEqual([expect.objectContaining({ code: 'ENOENT' })]);
});

test('401 for two Authorization headers, whichever is good', async () => {
  const authenticate = createAuthenticator(issuersOf(folder, issuer.entry), ROLES, nobody);
  const good = `Bearer ${await issuer.sign({ role: 'reader' })}`;
  await expect(
    authenticate({
      headers: { authorization: good },
      rawHeaders: ['Authorization', good, 'authorization', 'Bearer other'],
    }),
  ).rejects.toMatchObject({ status: 401 });
});

describe('roles', () => {
  test('come from where the pointer points, by the words of the issuer', async () => {
    const entries = [
      {
        ...issuer.entry,
        roleClaim: '/realm_access/a~1b',
        roles: { 'clinic-reader': 'reader', staff: 'reader' },
      },
    ];
    const sign = (words: unknown) => issuer.sign({ realm_access: { 'a/b': words } });
    expect(await outcome(await sign(['offline', 'clinic-reader', 'staff']), { entries })).toMatchObject({
      role: 'reader',
    });
    // Our own word means nothing where the issuer's words are listed.
    expect(await outcome(await sign(['reader']), { entries })).toBe('403 forbidden');
  });

  test('come from the subject, where it has one', async () => {
    const entries = [{ ...issuer.entry, roleClaim: '/none', subjects: { 'system:robot': 'reader' } }];
    expect(await outcome(await issuer.sign({ sub: 'system:robot' }), { entries })).toMatchObject({
      role: 'reader',
    });
    expect(await outcome(await issuer.sign({ role: 'reader' }), { entries })).toBe('403 forbidden');
  });
});
