import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { ask, issuersOf, nobody, REFUSED, ROLES } from '../../testing/authentication.ts';
import { createIssuer, type TestIssuer } from '../../testing/tokens.ts';
import { createAuthenticator } from './authenticate.ts';

let folder: string;
let issuer: TestIssuer;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'auth-'));
  issuer = await createIssuer();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What a token gets from keys that nobody has asked for before. */
const outcome = (token: string, entry: object): Promise<unknown> =>
  ask(createAuthenticator(issuersOf(folder, entry), ROLES, nobody), token);

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
    const authenticate = createAuthenticator(issuersOf(folder, remoteEntry(await start())), ROLES, nobody);
    for (const sub of ['a', 'b', 'c'])
      expect(await ask(authenticate, await issuer.sign({ role: 'reader', sub }))).toMatchObject({
        role: 'reader',
      });
    expect(asked).toBe(1);
  });

  test('are asked again for nothing that was verified with them', async () => {
    answer = () => ({ status: 200, body: issuer.entry.jwks });
    const verify = jest.spyOn(globalThis.crypto.subtle, 'verify');
    const authenticate = createAuthenticator(issuersOf(folder, remoteEntry(await start())), ROLES, nobody);
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
      authenticate = createAuthenticator(issuersOf(folder, remoteEntry(await start())), ROLES, nobody);
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
    expect(await outcome(token, remoteEntry(await start()))).toBe('503 unavailable');
  });

  test('503 while they cannot be had, never 401', async () => {
    answer = () => ({ status: 500, body: {} });
    const token = await issuer.sign({ role: 'reader' });
    expect(await outcome(token, remoteEntry(await start()))).toBe('503 unavailable');
    server?.close();
    expect(await outcome(token, remoteEntry('http://127.0.0.1:9/keys'))).toBe('503 unavailable');
  });
});
