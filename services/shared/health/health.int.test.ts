import { Writable } from 'node:stream';
import type pg from 'pg';
import { startDatabaseProxy } from '../../testing/database-proxy.ts';
import { eventually } from '../../testing/eventually.ts';
import { connectAsOwner, createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import type { TestService } from '../../testing/service.ts';
import type { TcpProxy } from '../../testing/tcp-proxy.ts';
import { startThings } from '../../testing/things.ts';
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

test('a database that accepts and says nothing is away too', async () => {
  const health = watch();
  await untilReady(health);
  proxy.silence();
  await untilNotReady(health, /^the database cannot be reached$/);
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

test('it stops while the database says nothing', async () => {
  const health = watch();
  await untilReady(health);
  proxy.silence();
  const started = performance.now();
  await health.stop();
  expect(performance.now() - started).toBeLessThan(5_000);
}, 15_000);

describe('probes', () => {
  let service: TestService;
  beforeEach(async () => {
    service = await startThings({}, { database: { url, ownerUrl: server.ownerUrl } });
    await eventually(() => service.api.get('/readyz').expect(200));
  });
  afterEach(() => service.stop());

  const metricsTell = async (ready: 0 | 1, database: 0 | 1) => {
    const { text } = await service.api.get('/metrics').expect(200);
    expect(text).toMatch(new RegExp(`^service_ready\\{.*\\} ${ready}$`, 'm'));
    expect(text).toMatch(new RegExp(`^database_up\\{.*\\} ${database}$`, 'm'));
  };

  test('readyz and the metrics follow the database, livez does not', async () => {
    await metricsTell(1, 1);
    await service.api.get('/readyz').expect(200, {
      status: 'ready',
      warnings: ['AUTH=off: everybody may do everything; for development only'],
    });
    await proxy.refuse();
    await eventually(async () => {
      for (const path of ['/readyz', '/healthz']) {
        const { body } = await service.api.get(path).expect(503);
        expect(body).toEqual({
          status: 'not-ready',
          reasons: ['the database cannot be reached'],
          warnings: [expect.stringContaining('AUTH=off')],
        });
      }
    });
    await service.api.get('/livez').expect(200, { status: 'alive' });
    await metricsTell(0, 0);
    await service.api.get('/things').expect(503);
    await proxy.pass();
    await eventually(() => service.api.get('/readyz').expect(200));
    await service.api.get('/livez').expect(200);
  }, 20_000);

  test('a probe asks the database nothing', async () => {
    const before = proxy.exchanges.length;
    const started = performance.now();
    for (let round = 0; round < 200; round += 1)
      await fetch(`${service.url}/${round % 2 ? 'livez' : 'readyz'}`);
    const watched = Math.ceil((performance.now() - started) / 2_000) * 3;
    expect(proxy.exchanges.length - before).toBeLessThanOrEqual(watched);
  });
});
