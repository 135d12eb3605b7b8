import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import {
  anEvent,
  appendEntries,
  connectTo,
  onClient,
  sealed,
  startSealer,
} from '../../testing/audit-trail.ts';
import { eventually } from '../../testing/eventually.ts';
import { createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { GENESIS, linkAll } from './chain.ts';
import { insertLinks, listUnsealed } from './seal-store.ts';
import { verifyTrail } from './verify.ts';

let database: TestDatabase;
let client: pg.Client;
const sealers: ReturnType<typeof startSealer>[] = [];
const start = () => {
  const sealer = startSealer(database.url);
  sealers.push(sealer);
  return sealer;
};

beforeEach(async () => {
  database = await createDatabase('doctor');
  client = await connectTo(database.ownerUrl);
});
afterEach(async () => {
  await Promise.all(sealers.splice(0).map((sealer) => sealer.stop()));
  await client.end();
  await database.drop();
});

const add = (count: number) => appendEntries(client, count);
const countLinks = async (): Promise<number> =>
  (await client.query<{ count: number }>('select count(*)::integer as count from audit_links')).rows[0]
    ?.count ?? 0;

test('two sealers at once make one chain, which has every entry once', async () => {
  const both = [start(), start()];
  for (let n = 0; n < 30; n += 1) await add(100);
  await eventually(async () => expect(await countLinks()).toBe(3_000), 20_000);
  const checkpoints = await eventually(async () => {
    const signed = both.flatMap((sealer) => sealer.checkpoints()).sort((a, b) => a.position - b.position);
    expect(signed.at(-1)?.position).toBe(3_000);
    return signed;
  });
  expect(await verifyTrail(onClient(client), checkpoints)).toMatchObject({
    ok: true,
    last: 3_000,
    proven: 3_000,
  });
});

test('what was rolled back leaves a gap in the ids and none in the chain', async () => {
  const sealer = start();
  for (let n = 0; n < 6; n += 1) {
    await client.query('begin');
    await add(2);
    await client.query(n % 2 === 0 ? 'rollback' : 'commit');
  }
  await sealed(client, sealer);
  expect(await verifyTrail(onClient(client), sealer.checkpoints())).toMatchObject({
    ok: true,
    last: 6,
    entries: 6,
  });
});

test('a transaction that still runs is not passed by those after it, and how long they wait is told', async () => {
  const sealer = start();
  const slow = await connectTo(database.ownerUrl);
  await slow.query('begin');
  await appendEntries(slow, 1, anEvent({ requestId: 'slow' }));
  await add(3);
  await eventually(async () => expect(sealer.rounds.at(-1)?.lagSeconds).toBeGreaterThan(1));
  expect(await countLinks()).toBe(0);
  await slow.query('commit');
  await slow.end();
  await sealed(client, sealer);
  await eventually(async () => expect(sealer.rounds.at(-1)?.lagSeconds).toBe(0));
  const { rows } = await client.query(
    'select request_id from audit_links join audit_events using (entry_id) order by position limit 1',
  );
  expect(rows).toEqual([{ request_id: 'slow' }]);
});

test('what is there when it stops is sealed and signed', async () => {
  const sealer = start();
  await eventually(async () => expect(sealer.rounds).not.toEqual([]));
  await add(1_200);
  await sealer.stop();
  sealers.pop();
  expect(sealer.checkpoints().at(-1)?.position).toBe(1_200);
});

test('what waits for a transaction that ends while it stops is sealed and signed too', async () => {
  const sealer = start();
  await eventually(async () => expect(sealer.rounds).not.toEqual([]));
  const slow = await connectTo(database.ownerUrl);
  await slow.query('begin');
  await appendEntries(slow, 1);
  await add(3);
  const stopping = sealer.stop();
  sealers.pop();
  await sleep(300);
  await slow.query('commit');
  await slow.end();
  await stopping;
  expect(sealer.checkpoints().at(-1)?.position).toBe(4);
});

/** Entries as they come from another cluster: their transactions lie in this one's future. */
const restoredEntries = (count: number) =>
  client.query(
    `insert into audit_entries (xid, events, keys)
     select (900000000000 + n)::text::xid8, '[]', '{7}' from generate_series(1, $1::integer) n`,
    [count],
  );

test('after a restore into another cluster the rest is sealed, and then what is new', async () => {
  await restoredEntries(5);
  const everything = { from: '-infinity', to: 'infinity', afterXid: '0', afterId: '0', restoredToo: true };
  const three = await listUnsealed(onClient(client), everything, 3);
  await insertLinks(onClient(client), 0, three, linkAll(GENESIS.hash, three));
  await add(4);
  const sealer = start();
  await sealed(client, sealer);
  await add(4);
  await sealed(client, sealer);
  const { rows } = await client.query<{ key: number }>(
    'select keys[1] as key from audit_links join audit_entries on id = entry_id order by position',
  );
  expect(rows.map(({ key }) => key === 7)).toEqual([
    ...Array.from({ length: 5 }, () => true),
    ...Array.from({ length: 8 }, () => false),
  ]);
  expect(await verifyTrail(onClient(client), sealer.checkpoints())).toMatchObject({ ok: true, last: 13 });
});

describe('a month that has ended', () => {
  const LAST_MONTH = `date_trunc('month', now(), 'UTC') - interval '1 day'`;
  beforeEach(async () => {
    const { rows } = await client.query<{ from: string; to: string }>(
      `select date_trunc('month', now(), 'UTC') - interval '1 month' as from, date_trunc('month', now(), 'UTC') as to`,
    );
    const { from, to } = rows[0] ?? { from: '', to: '' };
    for (const parent of ['audit_entries', 'audit_links'])
      await client.query(
        `create table ${parent}_before partition of ${parent} for values from ('${from}') to ('${to}')`,
      );
    await add(2);
    await client.query(
      `insert into audit_entries (recorded_at, events, keys)
       select ${LAST_MONTH}, '[]', '{}' from generate_series(1, 3)`,
    );
  });

  test('ends in the chain before the next begins, with a checkpoint exactly there, and can be dropped whole', async () => {
    const sealer = start();
    await sealed(client, sealer);
    const checkpoints = sealer.checkpoints();
    const ends = checkpoints.filter(({ endOf }) => endOf !== undefined);
    expect(ends).toEqual([
      expect.objectContaining({ position: 3, endOf: expect.stringMatching(/^\d{4}-\d\d$/) }),
    ]);
    expect(await verifyTrail(onClient(client), checkpoints)).toMatchObject({ ok: true, first: 1, last: 5 });

    await client.query('drop table audit_entries_before, audit_links_before');
    expect(await verifyTrail(onClient(client), checkpoints)).toMatchObject({
      ok: true,
      first: 4,
      last: 5,
      entries: 2,
    });
    const others = checkpoints.filter(({ endOf }) => endOf === undefined);
    expect(await verifyTrail(onClient(client), others)).toMatchObject({
      ok: false,
      fault: { kind: 'removed', position: 1 },
    });
  });

  test('gets nothing more, also where every link is gone and only its checkpoint was kept', async () => {
    const sealer = start();
    await sealed(client, sealer);
    await sealer.stop();
    sealers.pop();
    const ends = sealer.checkpoints().filter(({ endOf }) => endOf !== undefined);
    await client.query(`delete from audit_entries where recorded_at > ${LAST_MONTH}`);
    await client.query('delete from audit_links');
    expect(await verifyTrail(onClient(client), ends)).toMatchObject({
      ok: false,
      fault: { kind: 'inserted' },
    });
  });
});
