import { once } from 'node:events';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { eventually } from '../../testing/eventually.ts';
import { createIssuer, signWithPublicKey, type TestIssuer, unsigned } from '../../testing/tokens.ts';
import { Problem } from '../problem/problem.ts';
import { createAuthenticator } from './authenticate.ts';
import { watchDenyList } from './deny-list.ts';
import { type Issuer, readIssuers } from './issuers.ts';

const ROLES = { reader: {}, writer: { ownIdClaim: 'writer_id' } };
const OWN = '018f0000-0000-7000-8000-0000000000AB';
const nobody = { denies: () => false };

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

const issuersOf = (...entries: object[]): readonly Issuer[] =>
  readIssuers(fileWith(entries), Object.keys(ROLES));

/** The caller that a token makes, or the word of its problem. */
async function outcome(
  token: string | undefined,
  { entries = [issuer.entry] as object[], denyList = nobody } = {},
): Promise<unknown> {
  const authenticate = createAuthenticator(issuersOf(...entries), ROLES, denyList);
  return ask(authenticate, token);
}

async function ask(authenticate: ReturnType<typeof createAuthenticator>, token: string | undefined) {
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

const REFUSED = '401 unauthenticated';

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
    const authenticate = createAuthenticator(issuersOf(issuer.entry), ROLES, nobody);
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
      issuersOf(issuer.entry),
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
  const authenticate = createAuthenticator(issuersOf(issuer.entry), ROLES, nobody);
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

describe('keys of a remote issuer', () => {
  let server: Server | undefined;
  let answer: () => { status: number; body: unknown };
  let asked = 0;
  const start = async (): Promise<string> => {
    const listening = createServer((_req, res) => {
      asked += 1;
      const { status, body } = answer();
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }).listen(0, '127.0.0.1');
    server = listening;
    await once(listening, 'listening');
    return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/keys`;
  };
  const remoteEntry = (jwksUri: string): object => {
    const { jwks: _local, ...entry } = issuer.entry;
    return { ...entry, jwksUri };
  };
  afterEach(() => server?.close());

  test('are fetched once for many tokens', async () => {
    answer = () => ({ status: 200, body: issuer.entry.jwks });
    asked = 0;
    const authenticate = createAuthenticator(issuersOf(remoteEntry(await start())), ROLES, nobody);
    for (const sub of ['a', 'b', 'c'])
      expect(await ask(authenticate, await issuer.sign({ role: 'reader', sub }))).toMatchObject({
        role: 'reader',
      });
    expect(asked).toBe(1);
  });

  test('are asked again for nothing that was verified with them', async () => {
    answer = () => ({ status: 200, body: issuer.entry.jwks });
    const verify = jest.spyOn(globalThis.crypto.subtle, 'verify');
    const authenticate = createAuthenticator(issuersOf(remoteEntry(await start())), ROLES, nobody);
    const tokens = await Promise.all(['a', 'b', 'c'].map((sub) => issuer.sign({ role: 'reader', sub })));
    for (let round = 0; round < 5; round += 1)
      for (const token of tokens) expect(await ask(authenticate, token)).toMatchObject({ role: 'reader' });
    expect(verify).toHaveBeenCalledTimes(tokens.length);
    verify.mockRestore();
  });

  describe('that changed', () => {
    const MINUTE_MS = 60_000;
    let authenticate: ReturnType<typeof createAuthenticator>;
    let token: string;
    let other: TestIssuer;
    beforeEach(async () => {
      jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
      answer = () => ({ status: 200, body: issuer.entry.jwks });
      authenticate = createAuthenticator(issuersOf(remoteEntry(await start())), ROLES, nobody);
      token = await issuer.sign({ role: 'reader', exp: Math.floor(Date.now() / 1000) + 7_200 });
      other = await createIssuer({ keyId: 'key-2' });
      expect(await ask(authenticate, token)).toMatchObject({ role: 'reader' });
    });
    afterEach(() => {
      jest.useRealTimers();
    });
    const pass = (minutes: number) => jest.setSystemTime(Date.now() + minutes * MINUTE_MS);

    test('401 for what was good until then, after ten minutes', async () => {
      answer = () => ({ status: 200, body: other.entry.jwks });
      pass(10);
      expect(await ask(authenticate, token)).toBe(REFUSED);
    });

    test('401 also where they were asked for in between', async () => {
      pass(5);
      // Nobody knows this one's key, so that the keys are fetched, and are still the old ones.
      expect(await ask(authenticate, await other.sign({ role: 'reader' }))).toBe(REFUSED);
      answer = () => ({ status: 200, body: other.entry.jwks });
      pass(9.9);
      expect(await ask(authenticate, token)).toMatchObject({ role: 'reader' });
      pass(0.2);
      expect(await ask(authenticate, token)).toBe(REFUSED);
    });

    test('401 as soon as they were fetched, for whatever token', async () => {
      pass(5);
      answer = () => ({ status: 200, body: { keys: [] } });
      expect(await ask(authenticate, await other.sign({ role: 'reader' }))).toBe(REFUSED);
      expect(await ask(authenticate, token)).toBe(REFUSED);
    });
  });

  test('503 while they are not what keys look like', async () => {
    answer = () => ({ status: 200, body: { error: 'maintenance' } });
    const token = await issuer.sign({ role: 'reader' });
    expect(await outcome(token, { entries: [remoteEntry(await start())] })).toBe('503 unavailable');
  });

  test('503 while they cannot be had, never 401', async () => {
    answer = () => ({ status: 500, body: {} });
    const token = await issuer.sign({ role: 'reader' });
    expect(await outcome(token, { entries: [remoteEntry(await start())] })).toBe('503 unavailable');
    server?.close();
    expect(await outcome(token, { entries: [remoteEntry('http://127.0.0.1:9/keys')] })).toBe(
      '503 unavailable',
    );
  });
});
