import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import { endOf } from '../../local/processes.ts';
import { eventually } from '../../testing/eventually.ts';
import { createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { startProxy } from '../../testing/tcp-proxy.ts';
import { postgresWire } from '../../testing/wire.ts';

// A process takes its time to start where others start too.
jest.setTimeout(30_000);

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

type Line = Record<string, unknown> & { msg: string; level: string };

interface Program {
  child: ChildProcess;
  ended: Promise<string>;
  lines: Line[];
  errors: string[];
  url: string;
}

const running: ChildProcess[] = [];

/** Starts the program of the tests; what it prints is collected. */
function spawnProgram(variables: Record<string, string>, args: readonly string[] = []): Program {
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      '--import',
      here('../../local/leash.ts'),
      here('../../testing/things-main.ts'),
      ...args,
    ],
    { env: { PATH: process.env.PATH, ...variables }, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  running.push(child);
  const program: Program = { child, ended: endOf(child), lines: [], errors: [], url: '' };
  createInterface({ input: child.stdout }).on('line', (line) => program.lines.push(JSON.parse(line) as Line));
  createInterface({ input: child.stderr }).on('line', (line) => program.errors.push(line));
  return program;
}

const messages = ({ lines }: Program): string[] => lines.map(({ msg }) => msg);

/** Started, listening, and ready unless told otherwise. */
async function start(variables: Record<string, string> = {}, isReady = true): Promise<Program> {
  const program = spawnProgram({
    AUTH: 'off',
    DATABASE_URL: database.url,
    PORT: '0',
    DRAIN_DELAY_MS: '0',
    ...variables,
  });
  await eventually(async () => {
    expect(messages(program)).toContain('listening');
    if (isReady) expect(messages(program)).toContainEqual(expect.stringMatching(/^ready/));
  });
  const port = program.lines.find(({ msg }) => msg === 'listening')?.port;
  program.url = `http://127.0.0.1:${port}`;
  return program;
}

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
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});
afterAll(() => database.drop());

/** GET over a connection that is kept, as a proxy's are. */
const getOver = (agent: Agent, url: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    get(url, { agent }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer));
    }).on('error', reject);
  });

describe('SIGTERM', () => {
  test('unready, still listening, "Connection: close" on every answer, requests in flight answered, then the parts, then the pool', async () => {
    const agent = new Agent({ keepAlive: true });
    const program = await start({ DRAIN_DELAY_MS: '1000', WAIT_MS: '1800' });
    const before = await getOver(agent, `${program.url}/livez`);
    expect([before.statusCode, before.headers.connection]).toEqual([200, 'keep-alive']);
    const inFlight = getOver(agent, `${program.url}/trouble/wait`);
    await eventually(async () =>
      expect(await (await fetch(`${program.url}/metrics`)).text()).toMatch(
        /^http_requests_in_flight\{.*\} 1$/m,
      ),
    );

    program.child.kill('SIGTERM');
    await eventually(async () => {
      const unready = await getOver(agent, `${program.url}/readyz`);
      expect([unready.statusCode, unready.headers.connection]).toEqual([503, 'close']);
    });
    const { reasons } = (await (await fetch(`${program.url}/readyz`)).json()) as { reasons: string[] };
    expect(reasons).toEqual(['draining']);
    await eventually(async () => expect(messages(program)).toContain('part paused'));
    for (const [route, status] of [
      ['livez', 200],
      ['doctors', 404],
      ['things/x', 404],
      ['openapi.json', 200],
    ] as const) {
      const answer = await getOver(agent, `${program.url}/${route}`);
      expect([route, answer.statusCode, answer.headers.connection]).toEqual([route, status, 'close']);
    }
    program.child.kill('SIGTERM');
    program.child.kill('SIGINT');

    const answered = await inFlight;
    expect([answered.statusCode, answered.headers.connection]).toEqual([204, 'close']);
    expect(await program.ended).toBe('exit code 0');
    expect(messages(program).filter((msg) => !msg.startsWith('request'))).toEqual([
      'AUTH=off: everybody may do everything; for development only',
      'listening',
      'part started',
      'AUDIT_KEY_FILE is not set: checkpoints are signed with a key of this start',
      'audit key',
      expect.stringMatching(/^ready/),
      'draining',
      'part paused',
      'part stopped',
      'stopped',
    ]);
    expect(program.errors).toEqual([]);
    agent.destroy();
  });

  test('connections that are idle, and those on which nothing was ever asked, are not waited for', async () => {
    const program = await start();
    const agent = new Agent({ keepAlive: true });
    await getOver(agent, `${program.url}/livez`);
    const silent = connect(Number(new URL(program.url).port), '127.0.0.1').on('error', () => undefined);
    await new Promise<void>((resolve) => silent.once('connect', () => resolve()));
    await getOver(agent, `${program.url}/livez`);
    const started = performance.now();
    program.child.kill('SIGTERM');
    expect(await program.ended).toBe('exit code 0');
    expect(performance.now() - started).toBeLessThan(2_000);
    agent.destroy();
  });

  test('a load of requests over kept connections loses none', async () => {
    const program = await start({ DRAIN_DELAY_MS: '700' });
    const agent = new Agent({ keepAlive: true, maxSockets: 20 });
    const outcomes = new Map<string, number>();
    const note = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    let isOver = false;
    const clients = Array.from({ length: 20 }, async () => {
      while (!isOver) {
        await getOver(agent, `${program.url}/trouble/context/a`).then(
          ({ statusCode, headers }) => {
            note(`${statusCode}`);
            // What a proxy does: it asks elsewhere once it is told to leave.
            if (headers.connection === 'close' && messages(program).includes('draining')) isOver = true;
          },
          (error: NodeJS.ErrnoException) => note(`${error.code}`),
        );
      }
    });
    await eventually(async () => expect(outcomes.get('200')).toBeGreaterThan(100));
    program.child.kill('SIGTERM');
    await Promise.all(clients);
    expect([...outcomes.keys()]).toEqual(['200']);
    expect(await program.ended).toBe('exit code 0');
    agent.destroy();
  });

  test('SIGINT does the same', async () => {
    const program = await start();
    program.child.kill('SIGINT');
    expect(await program.ended).toBe('exit code 0');
    expect(messages(program).slice(-2)).toEqual(['part stopped', 'stopped']);
  });

  test('while the database is away it still ends well', async () => {
    const proxy = await startProxy(postgresWire, Number(new URL(database.url).port));
    const url = new URL(database.url);
    url.port = String(proxy.port);
    const program = await start({ DATABASE_URL: url.href });
    await fetch(`${program.url}/things`);
    await proxy.refuse();
    const started = performance.now();
    program.child.kill('SIGTERM');
    expect(await program.ended).toBe('exit code 0');
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(messages(program).slice(-2)).toEqual(['a part did not stop well', 'stopped']);
    await proxy.close();
  });
});

test('an error that nobody caught is logged, then it drains and exits with 1', async () => {
  const program = await start();
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
  const url = new URL(database.url);
  const proxy = await startProxy(postgresWire, Number(url.port));
  await proxy.refuse();
  url.port = String(proxy.port);
  const program = await start({ DATABASE_URL: url.href }, false);
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
      'unknown argument migrat: there are migrate and audit:verify',
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

  test('a database that is not there is told', async () => {
    const url = new URL(database.ownerUrl);
    url.pathname = '/nowhere';
    expect(await cannotStart({ ...variables(), OWNER_DATABASE_URL: url.href }, ['migrate'])).toBe(
      'the database does not exist; check OWNER_DATABASE_URL',
    );
  });
});
