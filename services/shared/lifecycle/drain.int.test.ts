import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { jest } from '@jest/globals';
import { startDatabaseProxy } from '../../testing/database-proxy.ts';
import { eventually } from '../../testing/eventually.ts';
import { createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { killPrograms, messages, type Program, startProgram } from '../../testing/things-program.ts';

// A process takes its time to start where others start too.
jest.setTimeout(30_000);

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase('doctor');
});
afterEach(killPrograms);
afterAll(() => database.drop());

const start = (variables: Record<string, string> = {}): Promise<Program> =>
  startProgram({ DATABASE_URL: database.url, ...variables });

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
    const { proxy, url } = await startDatabaseProxy(database.url);
    const program = await start({ DATABASE_URL: url });
    await fetch(`${program.url}/things`);
    await proxy.refuse();
    const started = performance.now();
    program.child.kill('SIGTERM');
    expect(await program.ended).toBe('exit code 0');
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(messages(program).slice(-3)).toEqual([
      'a part did not stop well',
      'the end of the audit trail could not be sealed',
      'stopped',
    ]);
    await proxy.close();
  });
});
