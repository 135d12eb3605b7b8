import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { anEvent, connectTo, onClient, sealed, startSealer } from '../../testing/audit-trail.ts';
import { createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { EDITS, picker, TAMPERINGS } from '../../testing/tampering.ts';
import { openDatabase } from '../db/database.ts';
import { insertEvents } from './audit-store.ts';
import type { Checkpoint } from './checkpoint.ts';
import { verifyTrail } from './verify.ts';

const TRANSACTIONS = 40;
const EVENTS_EACH = 3;
const SOMEBODY = randomUUID();

let database: TestDatabase;
let client: pg.Client;
let checkpoints: readonly Checkpoint[];
beforeAll(async () => {
  database = await createDatabase('doctor');
  client = await connectTo(database.ownerUrl);
  const sealer = startSealer(database.url);
  for (let n = 0; n < TRANSACTIONS; n += 1) {
    const events = Array.from({ length: EVENTS_EACH }, (_, index) =>
      anEvent({ requestId: `${n}-${index}`, about: [SOMEBODY] }),
    );
    await insertEvents(onClient(client), events);
    if (n === TRANSACTIONS / 2) await sealed(client, sealer);
  }
  await sealed(client, sealer);
  await sealer.stop();
  checkpoints = sealer.checkpoints();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const ALL = TRANSACTIONS;

test('ok, with counts, when nothing was bent', async () => {
  expect(checkpoints.length).toBeGreaterThanOrEqual(2);
  expect(await verifyTrail(onClient(client), checkpoints)).toEqual({
    ok: true,
    first: 1,
    last: ALL,
    proven: ALL,
    entries: ALL,
    waiting: 0,
  });
});

test('entries that wait to be sealed are counted, and are no fault', async () => {
  await client.query('begin');
  await insertEvents(onClient(client), [anEvent()]);
  const found = await verifyTrail(onClient(client), checkpoints);
  await client.query('rollback');
  expect(found).toMatchObject({ ok: true, waiting: 1 });
});

const seed = Math.floor(Math.random() * 2 ** 31);

describe.each(Object.entries(TAMPERINGS))('whoever wants to %s', (_what, tamper) => {
  test(`is found, wherever it is (seed ${seed})`, async () => {
    const pick = picker(seed);
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await client.query('begin');
      await tamper({ client, covered: ALL, pick });
      const found = await verifyTrail(onClient(client), checkpoints);
      await client.query('rollback');
      expect(found).toMatchObject({ ok: false, proof: expect.anything() });
    }
  });
});

test.each(EDITS)('an entry is found where somebody sets %s', async (edit) => {
  await client.query('begin');
  await client.query(
    `update audit_entries set ${edit} where id = (select entry_id from audit_links where position = 7)`,
  );
  const found = await verifyTrail(onClient(client), checkpoints);
  await client.query('rollback');
  expect(found).toMatchObject({ ok: false, fault: { position: 7 } });
});

test('a function that is called like PostgreSQL’s is not asked instead, whatever the database’s settings', async () => {
  await client.query(
    `create function public.sha256(bytea) returns bytea language sql as $$ select '\\x00'::bytea $$`,
  );
  const { rows } = await client.query<{ name: string }>('select current_database() as name');
  await client.query(`alter database ${rows[0]?.name} set search_path = public, pg_catalog`);
  const db = openDatabase({ url: database.url, poolMax: 1, constraints: {}, onIdleError: () => undefined });
  expect(await verifyTrail(db, checkpoints)).toMatchObject({ ok: true });
  await db.close();
  await client.query('drop function public.sha256(bytea)');
});

test('the first row that was changed is named, with the checkpoints around it', async () => {
  const [early] = checkpoints;
  const position = (early?.position ?? 0) + 2;
  await client.query('begin');
  const { rows } = await client.query<{ id: string }>(
    `update audit_entries set keys = '{7}' where id >= (select entry_id from audit_links where position = $1) returning id::text`,
    [position],
  );
  const found = await verifyTrail(onClient(client), checkpoints);
  await client.query('rollback');
  expect(found).toEqual({
    ok: false,
    fault: { kind: 'changed', position, entryId: rows[0]?.id },
    after: checkpoints.findLast((checkpoint) => checkpoint.position < position),
    proof: checkpoints.find((checkpoint) => checkpoint.position >= position),
  });
});

test('without checkpoints a tail that is gone goes unseen', async () => {
  await client.query('begin');
  await client.query('delete from audit_entries where id > 10');
  await client.query('delete from audit_links where entry_id > 10');
  const found = await verifyTrail(onClient(client), []);
  await client.query('rollback');
  expect(found).toMatchObject({ ok: true, last: 10, proven: 0 });
});
