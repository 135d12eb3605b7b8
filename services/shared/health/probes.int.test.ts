import type pg from 'pg';
import { startDatabaseProxy } from '../../testing/database-proxy.ts';
import { eventually } from '../../testing/eventually.ts';
import { connectAsOwner, createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import type { TestService } from '../../testing/service.ts';
import type { TcpProxy } from '../../testing/tcp-proxy.ts';
import { startThings } from '../../testing/things.ts';

let server: TestDatabase;
let owner: pg.Client;
let proxy: TcpProxy;
let service: TestService;

beforeAll(async () => {
  server = await createDatabase('doctor');
  owner = await connectAsOwner(server);
});
beforeEach(async () => {
  const behind = await startDatabaseProxy(server.url);
  proxy = behind.proxy;
  service = await startThings({}, { database: { url: behind.url, ownerUrl: server.ownerUrl } });
  await eventually(() => service.api.get('/readyz').expect(200));
});
afterEach(async () => {
  await service.stop();
  await proxy.close();
});
afterAll(async () => {
  await owner.end();
  await server.drop();
});

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

test('a probe is answered at once while the database says nothing', async () => {
  proxy.silence();
  const took: number[] = [];
  await eventually(async () => {
    const started = performance.now();
    const { status } = await fetch(`${service.url}/readyz`);
    took.push(performance.now() - started);
    expect(status).toBe(503);
  });
  expect(took.length).toBeGreaterThan(10);
  // The kubelet waits for two seconds.
  expect(Math.max(...took)).toBeLessThan(1_000);
}, 20_000);

test('the service holds DATABASE_POOL_MAX + 4 connections, which max_connections is chosen by', async () => {
  const { rows } = await owner.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
      where datname = current_database() and usename = 'doctor_app'`,
  );
  expect(rows).toEqual([{ count: 10 + 4 }]);
});

test('a probe asks the database nothing', async () => {
  const before = proxy.exchanges.length;
  const started = performance.now();
  for (let round = 0; round < 200; round += 1)
    await fetch(`${service.url}/${round % 2 ? 'livez' : 'readyz'}`);
  const watched = Math.ceil((performance.now() - started) / 2_000) * 3;
  expect(proxy.exchanges.length - before).toBeLessThanOrEqual(watched);
});
