import { Writable } from 'node:stream';
import type pg from 'pg';
import { startDatabaseProxy } from '../../testing/database-proxy.ts';
import { eventually } from '../../testing/eventually.ts';
import { connectAsOwner, createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import type { TcpProxy } from '../../testing/tcp-proxy.ts';
import { createLog } from '../log/log.ts';
import { type Health, watchDatabase } from './health.ts';

const INTERVAL_MS = 50;

let server: TestDatabase;
let owner: pg.Client;
let proxy: TcpProxy;
let url: string;
let newest: string;
let logged: string;
const opened: Health[] = [];

function watch(newestMigration = newest, prepare?: () => Promise<void>): Health {
  logged = '';
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      logged += String(chunk);
      done();
    },
  });
  const health = watchDatabase({
    databaseUrl: url,
    ...(prepare === undefined ? {} : { prepare }),
    newestMigration,
    log: createLog('tests', 'info', sink),
    intervalMs: INTERVAL_MS,
  });
  opened.push(health);
  return health;
}

const untilReady = (health: Health) => eventually(async () => expect(health.reasons()).toEqual([]));
const untilNotReady = (health: Health, reason: RegExp) =>
  eventually(async () => expect(health.reasons()).toEqual([expect.stringMatching(reason)]));

beforeAll(async () => {
  server = await createDatabase('doctor');
  owner = await connectAsOwner(server);
  const { rows } = await owner.query<{ newest: string }>('select max(name) as newest from migrations');
  newest = rows[0]?.newest ?? '';
});
beforeEach(async () => {
  ({ proxy, url } = await startDatabaseProxy(server.url));
});
afterEach(async () => {
  for (const health of opened.splice(0)) await health.stop();
  await proxy.close();
});
afterAll(async () => {
  await owner.end();
  await server.drop();
});

test('unready until the database has answered once', async () => {
  const hold = proxy.hold(/from migrations/, 'answered');
  const health = watch();
  const held = await hold;
  expect(health.reasons()).toEqual(['the database has not been asked yet']);
  expect(health.isDatabaseUp()).toBe(false);
  held.release();
  await untilReady(health);
  expect(health.isDatabaseUp()).toBe(true);
});

test('unready until what must be done first has succeeded, once', async () => {
  let tries = 0;
  const health = watch(newest, async () => {
    tries += 1;
    if (tries < 3) throw new Error('not yet');
  });
  await eventually(async () => expect(tries).toBe(2));
  expect(health.reasons()).toHaveLength(1);
  await untilReady(health);
  await proxy.refuse();
  await untilNotReady(health, /cannot be reached/);
  await proxy.pass();
  await untilReady(health);
  expect(tries).toBe(3);
});

test('one failure is forgiven, two in a row are not, one success is enough', async () => {
  const health = watch();
  await untilReady(health);
  const hold = proxy.hold(/from migrations/, 'answered');
  (await hold).lose();
  const next = await proxy.hold(/from migrations/, 'answered');
  expect([health.reasons(), health.isDatabaseUp()]).toEqual([[], true]);
  next.release();
  await proxy.refuse();
  await untilNotReady(health, /^the database cannot be reached$/);
  expect(health.isDatabaseUp()).toBe(false);
  await proxy.pass();
  await untilReady(health);
});

test('a database that accepts and says nothing is away too, after the time that a question and a connection may take', async () => {
  const health = watch();
  await untilReady(health);
  proxy.silence();
  const started = performance.now();
  await untilNotReady(health, /^the database cannot be reached$/);
  expect(performance.now() - started).toBeLessThan(3_000 + 1_500 + 2_000);
  await proxy.pass();
  await untilReady(health);
}, 20_000);

test('a schema that is older than the code makes unready and says why, a newer one is fine', async () => {
  const older = watch('9999_not_yet');
  await untilNotReady(
    older,
    new RegExp(`^the schema is older than the code: ${newest} instead of 9999_not_yet; run migrate$`),
  );
  expect(older.isDatabaseUp()).toBe(true);
  const newer = watch('0000_long_ago');
  await untilReady(newer);
  expect(logged.match(/"the schema is newer than the code"/g)).toHaveLength(1);
});

test('a database that was never migrated says so', async () => {
  await owner.query('alter table migrations rename to hidden');
  const health = watch();
  await untilNotReady(health, /^the schema is older than the code: none instead of /);
  expect(health.isDatabaseUp()).toBe(true);
  await owner.query('alter table hidden rename to migrations');
  await untilReady(health);
});

test('only a change is logged', async () => {
  const health = watch();
  await untilReady(health);
  await proxy.refuse();
  await untilNotReady(health, /reached/);
  await new Promise((resolve) => setTimeout(resolve, 10 * INTERVAL_MS));
  await proxy.pass();
  await untilReady(health);
  expect(
    logged
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).msg),
  ).toEqual([
    'ready: the database answers and its schema is new enough',
    'not ready',
    'ready: the database answers and its schema is new enough',
  ]);
});

describe('what somebody must mend is said, with the variable and without what is in it', () => {
  const change = (part: 'password' | 'pathname', text: string): void => {
    const changed = new URL(url);
    changed[part] = text;
    url = changed.href;
  };

  test('a wrong password', async () => {
    change('password', 'hunter2');
    await untilNotReady(watch(), /^the database refuses the user or its password; check DATABASE_URL$/);
    expect(logged).not.toContain('hunter2');
  });

  test('a database that does not exist', async () => {
    change('pathname', '/nowhere');
    await untilNotReady(watch(), /^the database does not exist; check DATABASE_URL$/);
  });

  test('a right that is missing', async () => {
    await owner.query('revoke select on migrations from doctor_app');
    const health = watch();
    await untilNotReady(
      health,
      /^the database denies the user of DATABASE_URL a right; migrate grants the service its rights$/,
    );
    await owner.query('grant select on migrations to doctor_app');
    await untilReady(health);
  });

  test('whatever else the database says', async () => {
    const name = new URL(server.url).pathname.slice(1);
    await owner.query(`alter database "${name}" connection limit 0`);
    const health = watch();
    await untilNotReady(health, /^the database refuses to answer: too many connections .* \(53300\)$/);
    await owner.query(`alter database "${name}" connection limit -1`);
    await untilReady(health);
  });
});

test('another cause is logged anew, once, also where the reason is the same', async () => {
  const someTime = () => new Promise((resolve) => setTimeout(resolve, 20 * INTERVAL_MS));
  await owner.query('revoke select on migrations from doctor_app');
  const health = watch();
  await untilNotReady(health, /denies/);
  await someTime();
  await proxy.refuse();
  await untilNotReady(health, /reached/);
  await owner.query('grant select on migrations to doctor_app');
  await someTime();
  await proxy.pass();
  proxy.silence();
  await eventually(async () => expect(logged).toMatch(/timeout/));
  await proxy.pass();
  await untilReady(health);
  const causes = logged
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string; error?: { code?: string } })
    .map(({ msg, error }) => error?.code ?? msg)
    // A question that is under way is cut off first.
    .filter((cause) => cause !== 'ECONNRESET');
  expect(causes).toEqual([
    '42501',
    'ECONNREFUSED',
    // It does not even refuse any more.
    'not ready',
    'ready: the database answers and its schema is new enough',
  ]);
});

test('it stops while the database says nothing', async () => {
  const health = watch();
  await untilReady(health);
  proxy.silence();
  const started = performance.now();
  await health.stop();
  expect(performance.now() - started).toBeLessThan(5_000);
}, 15_000);
