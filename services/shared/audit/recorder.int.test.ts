import type pg from 'pg';
import { anEvent, connectTo } from '../../testing/audit-trail.ts';
import { eventually } from '../../testing/eventually.ts';
import { createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { type Database, type Db, openDatabase } from '../db/database.ts';
import { createRecorder } from './recorder.ts';

let database: TestDatabase;
let owner: pg.Client;
let db: Database;
let inserts = 0;
const counting: Db = {
  query: (statement, args) => {
    inserts += 1;
    return db.query(statement, args);
  },
};

beforeAll(async () => {
  database = await createDatabase('doctor');
  owner = await connectTo(database.ownerUrl);
  db = openDatabase({ url: database.url, poolMax: 4, constraints: {}, onIdleError: () => undefined });
});
afterAll(async () => {
  await db.close();
  await owner.end();
  await database.drop();
});
beforeEach(async () => {
  await owner.query('delete from audit_entries');
  inserts = 0;
});

const requestIds = async () =>
  (await owner.query<{ id: string }>('select request_id as id from audit_events e order by e.id')).rows.map(
    ({ id }) => id,
  );

test('many at once share an insert, and each is there when it is said to be', async () => {
  const { record } = createRecorder(counting);
  const names = Array.from({ length: 200 }, (_, index) => String(index));
  await Promise.all(
    names.map(async (requestId) => {
      await record(anEvent({ requestId }));
      expect(await requestIds()).toContain(requestId);
    }),
  );
  expect(await requestIds()).toEqual(names);
  expect(inserts).toBeLessThan(10);
});

const ONE = '01a2041f-40b8-7522-a241-bc4ad31bb6f8';
const OTHER = '01a2041f-40b8-7522-a241-bc4ad31bb6f9';

test.each([
  { about: [ONE, OTHER], resourceId: ONE },
  { about: [ONE], resourceId: ONE },
  { about: [OTHER], resourceId: ONE },
  { about: [], resourceId: ONE },
  { about: [ONE], resourceId: null },
  { about: [], resourceId: null },
])('an event comes back as it was given: %j', async (whom) => {
  const event = anEvent({
    ...whom,
    role: null,
    problem: 'not-found',
    sourceIp: null,
    subject: 'https://issuer.example#ünï"codé\\',
  });
  await createRecorder(db).record(event);
  const { rows } = await owner.query(
    `select subject, role, action, method, route, status, problem, resource_id as "resourceId", about, source_ip as "sourceIp",
            request_id as "requestId" from audit_events`,
  );
  expect(rows).toEqual([event]);
});

test('503 for those beyond the bound, while the others wait', async () => {
  const { record } = createRecorder(counting, 2);
  await owner.query('begin');
  await owner.query('lock table audit_entries in exclusive mode');
  const first = record(anEvent());
  await eventually(async () => expect(inserts).toBe(1));
  const waiting = [record(anEvent()), record(anEvent())];
  await expect(record(anEvent())).rejects.toMatchObject({ type: 'unavailable', status: 503 });
  await owner.query('commit');
  await Promise.all([first, ...waiting]);
  expect(await requestIds()).toHaveLength(3);
});

test('503 where the database takes an event and keeps none', async () => {
  const { record } = createRecorder(db);
  await owner.query(`create function forget() returns trigger language plpgsql as 'begin return null; end'`);
  await owner.query(
    'create trigger forget before insert on audit_entries for each row execute function forget()',
  );
  await expect(record(anEvent())).rejects.toMatchObject({ type: 'unavailable', status: 503 });
  await owner.query('drop trigger forget on audit_entries');
  await record(anEvent());
  expect(await requestIds()).toHaveLength(1);
});

test('503 for all that share an insert which fails, and the next ones are recorded', async () => {
  const { record } = createRecorder(db);
  await owner.query('revoke insert on audit_entries from doctor_app');
  const results = await Promise.allSettled([record(anEvent()), record(anEvent()), record(anEvent())]);
  await owner.query('grant insert on audit_entries to doctor_app');
  for (const result of results)
    expect(result).toMatchObject({ status: 'rejected', reason: { type: 'unavailable', status: 503 } });
  await record(anEvent());
  expect(await requestIds()).toHaveLength(1);
});
