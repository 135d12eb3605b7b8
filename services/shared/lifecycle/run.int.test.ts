import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { startDatabaseProxy } from '../../testing/database-proxy.ts';
import { eventually } from '../../testing/eventually.ts';
import { createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { killPrograms, messages, spawnProgram, startProgram } from '../../testing/things-program.ts';

// A process takes its time to start where others start too.
jest.setTimeout(30_000);

/** Ends by itself with nothing but one line: the reason. */
async function cannotStart(variables: Record<string, string>, args?: readonly string[]): Promise<unknown> {
  const program = spawnProgram(variables, args);
  expect(await program.ended).toBe('exit code 1');
  expect(program.errors).toEqual([]);
  expect(program.lines).toEqual([expect.objectContaining({ level: 'error', msg: 'cannot start' })]);
  return program.lines[0]?.reason;
}

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase('doctor');
});
afterEach(killPrograms);
afterAll(() => database.drop());

test('an error that nobody caught is logged, then it drains and exits with 1', async () => {
  const program = await startProgram({ DATABASE_URL: database.url });
  const answer = await fetch(`${program.url}/trouble/answers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  expect(answer.status).toBe(202);
  expect(await program.ended).toBe('exit code 1');
  expect(program.lines).toContainEqual(
    expect.objectContaining({
      level: 'error',
      msg: 'unhandledRejection: stopping',
      error: expect.objectContaining({
        message: 'nobody caught this',
        stack: expect.stringContaining('things-main'),
      }),
    }),
  );
  expect(messages(program).slice(-2)).toEqual(['part stopped', 'stopped']);
});

test('with the database away it starts, is alive and not ready, and becomes ready when the database comes', async () => {
  const { proxy, url } = await startDatabaseProxy(database.url);
  await proxy.refuse();
  const program = await startProgram({ DATABASE_URL: url }, false);
  expect((await fetch(`${program.url}/livez`)).status).toBe(200);
  expect((await fetch(`${program.url}/things`)).status).toBe(503);
  await eventually(async () => {
    const unready = await fetch(`${program.url}/readyz`);
    expect([unready.status, ((await unready.json()) as { reasons: string[] }).reasons]).toEqual([
      503,
      ['the database cannot be reached'],
    ]);
  });
  await proxy.pass();
  await eventually(async () => expect((await fetch(`${program.url}/readyz`)).status).toBe(200));
  await proxy.close();
});

describe('what keeps it from starting is one line', () => {
  const LEAST = () => ({ AUTH: 'off', DATABASE_URL: database.url, PORT: '0' });

  test('a port that is taken, by its number and the variable that changes it', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', () => resolve()));
    const { port } = taken.address() as AddressInfo;
    expect(await cannotStart({ ...LEAST(), PORT: String(port) })).toBe(
      `port ${port} is taken; set PORT to a free one`,
    );
    taken.close();
  });

  test('a host that is none of ours, by the variable', async () => {
    expect(await cannotStart({ ...LEAST(), HOST: '203.0.113.1' })).toBe(
      'HOST 203.0.113.1 is no address of this machine',
    );
  });

  test('all bad variables at once', async () => {
    expect(await cannotStart({ PORT: 'http', LOG_LEVEL: 'loud', WAIT_MS: '-1' })).toBe(
      [
        'PORT must be a whole number from 0 to 65535',
        'DATABASE_URL or DATABASE_URL_FILE must be set to a URL such as postgres://user:password@host:5432/database',
        'AUTH must be set to one of: off, jwt',
        'LOG_LEVEL must be one of: fatal, error, warn, info, debug, trace, silent',
        'WAIT_MS must be a whole number from 0 to 60000',
      ].join('; '),
    );
  });

  test('an argument that means nothing', async () => {
    expect(await cannotStart(LEAST(), ['migrat'])).toBe(
      'unknown argument migrat; known are migrate, audit:verify',
    );
  });
});

describe('migrate', () => {
  const variables = () => ({ DATABASE_URL: database.url, OWNER_DATABASE_URL: database.ownerUrl });

  test('says what it did and ends with 0; it needs no AUTH', async () => {
    const program = spawnProgram(variables(), ['migrate']);
    expect(await program.ended).toBe('exit code 0');
    expect([messages(program), program.errors]).toEqual([['the schema is up to date'], []]);
  });

  test('reads its secrets from files', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'secrets-'));
    const file = async (name: string, text: string) => {
      await writeFile(path.join(folder, name), `${text}\n`);
      return path.join(folder, name);
    };
    const program = spawnProgram(
      {
        DATABASE_URL_FILE: await file('app', database.url),
        OWNER_DATABASE_URL_FILE: await file('owner', database.ownerUrl),
      },
      ['migrate'],
    );
    expect(await program.ended).toBe('exit code 0');
    await rm(folder, { recursive: true });
  });

  test('a wrong password is told, and not the password', async () => {
    const url = new URL(database.ownerUrl);
    url.password = 'hunter2';
    const reason = await cannotStart({ ...variables(), OWNER_DATABASE_URL: url.href }, ['migrate']);
    expect(reason).toBe('the database refuses the user or its password; check OWNER_DATABASE_URL');
  });

  test('a URL with which the service itself could not get in is told', async () => {
    const url = new URL(database.url);
    url.password = 'hunter2';
    const program = spawnProgram({ ...variables(), DATABASE_URL: url.href }, ['migrate']);
    expect(await program.ended).toBe('exit code 1');
    expect(program.lines.at(-1)).toMatchObject({
      msg: 'cannot start',
      reason: 'the database refuses the user or its password; check DATABASE_URL',
    });
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'ends at once by %s while it waits, and says so',
    async (signal) => {
      const { proxy, url } = await startDatabaseProxy(database.ownerUrl);
      await proxy.refuse();
      const program = spawnProgram({ ...variables(), OWNER_DATABASE_URL: url }, ['migrate']);
      await eventually(async () =>
        expect(messages(program)).toContainEqual(expect.stringMatching(/^waiting for the database: /)),
      );
      const started = performance.now();
      program.child.kill(signal);
      // As a shell counts: 128 and the number of the signal. Without a listener it would be the signal itself.
      expect(await program.ended).toBe(signal === 'SIGTERM' ? 'exit code 143' : 'exit code 130');
      expect(performance.now() - started).toBeLessThan(2_000);
      expect(program.lines.at(-1)).toMatchObject({
        reason: signal,
        msg: 'ended by a signal before it was done',
      });
      await proxy.close();
    },
  );

  test('a connection that is lost in the middle is told in one line', async () => {
    const { proxy, url } = await startDatabaseProxy(database.ownerUrl);
    const held = proxy.hold(/^(?!start-up)/, 'asked');
    const reason = cannotStart({ ...variables(), OWNER_DATABASE_URL: url }, ['migrate']);
    (await held).lose();
    expect(await reason).toMatch(/^(Connection terminated unexpectedly|read ECONNRESET)$/);
    await proxy.close();
  });

  test('a database that is not there is told', async () => {
    const url = new URL(database.ownerUrl);
    url.pathname = '/nowhere';
    expect(await cannotStart({ ...variables(), OWNER_DATABASE_URL: url.href }, ['migrate'])).toBe(
      'the database does not exist; check OWNER_DATABASE_URL',
    );
  });
});
