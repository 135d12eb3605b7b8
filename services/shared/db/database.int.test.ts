import type pg from 'pg';
import { asSuperuser, superuser } from '../../local/databases.ts';
import { connectAsOwner, createDatabase, type TestDatabase, urlOf } from '../../testing/postgres.ts';
import { defineProblem } from '../problem/problem.ts';
import { type Database, openDatabase } from './database.ts';
import { databaseAway } from './failure.ts';
import { sql } from './statement.ts';

const nameTaken = defineProblem('name-taken', 409, 'Taken');

const ADD = sql<[name: string]>('test.add', 'insert into things (name) values ($1)');
const NAMES = sql<[], { name: string }>('test.names', 'select name from things order by name');
const WRONG = sql<[]>('test.wrong', 'select 1/0');
const PID = sql<[], { pid: number }>('test.pid', 'select pg_backend_pid() as pid');
const KEEP_NAMES_UNIQUE_LATER = sql<[]>('test.defer', 'set constraints all deferred');

let server: TestDatabase;
let owner: pg.Client;
const opened: Database[] = [];

function open({ poolMax = 4 } = {}): Database {
  const db = openDatabase({
    url: server.url,
    poolMax,
    constraints: { things_name_key: () => nameTaken('Taken.') },
    onIdleError: () => undefined,
  });
  opened.push(db);
  return db;
}

beforeAll(async () => {
  server = await createDatabase('doctor');
  owner = await connectAsOwner(server);
  await owner.query(`
    create table things (name text constraint things_name_key unique deferrable, size integer constraint things_size_known check (size > 0));
    grant all on things to doctor_app`);
});
beforeEach(() => owner.query('truncate things'));
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});
afterAll(async () => {
  await owner.end();
  await server.drop();
});

const names = async (db: Database): Promise<string[]> => (await db.query(NAMES, [])).map(({ name }) => name);

describe('a transaction', () => {
  test('commits what its work did, and returns what its work returned', async () => {
    const db = open();
    expect(
      await db.tx(async (tx) => {
        await tx.query(ADD, ['a']);
        expect(await names(db)).toEqual([]);
        return 'done';
      }),
    ).toBe('done');
    expect(await names(db)).toEqual(['a']);
  });

  test('undoes everything when its work throws, and throws what it threw', async () => {
    const db = open();
    const error = new Error('changed my mind');
    await expect(
      db.tx(async (tx) => {
        await tx.query(ADD, ['a']);
        throw error;
      }),
    ).rejects.toBe(error);
    expect(await names(db)).toEqual([]);
  });

  test('rejects when a statement in it failed and nobody looked: PostgreSQL then answers COMMIT with ROLLBACK', async () => {
    const db = open();
    const work = db.tx(async (tx) => {
      await tx.query(ADD, ['a']);
      await tx.query(WRONG, []).catch(() => undefined);
      return 'done';
    });
    await expect(work).rejects.toThrow('ROLLBACK instead of COMMIT');
    expect(await names(db)).toEqual([]);
    // A defect of ours, and no passing absence: repeating it would end in the same way.
    expect(databaseAway(await work.catch((error: unknown) => error))).toBeUndefined();
  });

  test('says why the first of its statements failed, whichever of those that went out together is heard first', async () => {
    const db = open();
    await expect(
      db.tx(async (tx) => {
        const first = tx.query(WRONG, []);
        const second = tx.last.query(ADD, ['a']);
        first.catch(() => undefined);
        await second;
      }),
    ).rejects.toMatchObject({ code: '22012' });
    expect(await names(db)).toEqual([]);
  });

  test('is tried once', async () => {
    const db = open();
    let tries = 0;
    await expect(
      db.tx(async (tx) => {
        tries += 1;
        await tx.query(WRONG, []);
      }),
    ).rejects.toMatchObject({ code: '22012' });
    expect(tries).toBe(1);
  });

  test('leaves a connection that can be used again', async () => {
    const db = open({ poolMax: 1 });
    for (const work of [WRONG, ADD, WRONG])
      await db.tx((tx) => tx.query(work, work === ADD ? ['a'] : ([] as never))).catch(() => undefined);
    expect(await names(db)).toEqual(['a']);
    expect(db.load()).toEqual({ size: 1, idle: 1, waiting: 0 });
  });
});

describe('the last statement of a transaction', () => {
  test('commits with it: it stays, whatever comes after it', async () => {
    const db = open({ poolMax: 1 });
    const error = new Error('changed my mind too late');
    await expect(
      db.tx(async (tx) => {
        await tx.query(ADD, ['a']);
        await tx.last.query(ADD, ['b']);
        throw error;
      }),
    ).rejects.toBe(error);
    expect(await names(db)).toEqual(['a', 'b']);
  });

  test('undoes everything when it fails, and leaves a connection that can be used again', async () => {
    const db = open({ poolMax: 1 });
    await expect(
      db.tx(async (tx) => {
        await tx.query(ADD, ['a']);
        await tx.last.query(WRONG, []);
      }),
    ).rejects.toMatchObject({ code: '22012' });
    expect(await names(db)).toEqual([]);
    expect(db.load()).toEqual({ size: 1, idle: 1, waiting: 0 });
  });

  test('has its constraints checked, also those that are checked at the end', async () => {
    const db = open();
    await db.query(ADD, ['a']);
    await expect(db.tx((tx) => tx.last.query(ADD, ['a']))).rejects.toMatchObject({ type: 'name-taken' });
    await expect(
      db.tx(async (tx) => {
        await tx.query(KEEP_NAMES_UNIQUE_LATER, []);
        await tx.last.query(ADD, ['a']);
      }),
    ).rejects.toMatchObject({ type: 'name-taken' });
  });

  test('has none after it', async () => {
    const db = open({ poolMax: 1 });
    await expect(
      db.tx(async (tx) => {
        await tx.last.query(ADD, ['a']);
        await tx.query(ADD, ['b']);
      }),
    ).rejects.toThrow('after the last one');
    expect(await names(db)).toEqual(['a']);
  });
});

describe('warming', () => {
  test('opens every connection, and they stay open', async () => {
    const db = open({ poolMax: 3 });
    expect(db.load()).toEqual({ size: 0, idle: 0, waiting: 0 });
    await db.warm();
    expect(db.load()).toEqual({ size: 3, idle: 3, waiting: 0 });
    await db.warm();
    expect(db.load()).toEqual({ size: 3, idle: 3, waiting: 0 });
  });
});

describe('a named constraint', () => {
  test('is the problem that it stands for, in a transaction and without one, and when it is checked at the end', async () => {
    const db = open();
    await db.query(ADD, ['a']);
    await expect(db.query(ADD, ['a'])).rejects.toMatchObject({ type: 'name-taken', status: 409 });
    await expect(db.tx((tx) => tx.query(ADD, ['a']))).rejects.toMatchObject({ type: 'name-taken' });
    await expect(
      db.tx(async (tx) => {
        await tx.query(KEEP_NAMES_UNIQUE_LATER, []);
        await tx.query(ADD, ['a']);
      }),
    ).rejects.toMatchObject({ type: 'name-taken' });
  });

  test('that stands for nothing is an error', async () => {
    const db = open();
    const ADD_SIZE = sql<[size: number]>('test.add_size', 'insert into things (size) values ($1)');
    await expect(db.query(ADD_SIZE, [0])).rejects.toMatchObject({ constraint: 'things_size_known' });
  });

  test('costs no connection', async () => {
    const db = open({ poolMax: 1 });
    const [before] = await db.query(PID, []);
    await db.query(ADD, ['a']);
    for (let round = 0; round < 5; round += 1) await db.query(ADD, ['a']).catch(() => undefined);
    expect(await db.query(PID, [])).toEqual([before]);
  });
});

test('values leave as text and numbers, and no Date with a zone is in between', async () => {
  const VALUES = sql<[], Record<string, unknown>>(
    'test.values',
    `select timestamptz '2026-03-02 09:30:00.123456+05:30' as at,
            timestamptz '0050-01-02 00:00:00Z' as long_ago,
            date '2024-02-29' as day, timestamp '2026-03-29 02:30:00' as wall_clock,
            count(*) as count, json_build_object('a', 1) as json, 1.5::float8 as float, null::timestamptz as nothing`,
  );
  expect(await open().query(VALUES, [])).toEqual([
    {
      at: '2026-03-02T04:00:00.123Z',
      long_ago: '0050-01-02T00:00:00.000Z',
      day: '2024-02-29',
      wall_clock: '2026-03-29T02:30',
      count: 1,
      json: { a: 1 },
      float: 1.5,
      nothing: null,
    },
  ]);
});

test('the session’s zone is UTC, whatever the server’s is', async () => {
  const superuserUrl = urlOf(superuser, owner.database ?? '');
  await asSuperuser(superuserUrl, (client) =>
    client.query(`alter role doctor_app in database ${owner.database} set timezone to 'Asia/Kolkata'`),
  );
  const SHOWN = sql<[], { text: string }>(
    'test.shown',
    `select timestamptz '2026-03-02 09:30:00Z'::text as text`,
  );
  expect(await open().query(SHOWN, [])).toEqual([{ text: '2026-03-02 09:30:00+00' }]);
});

describe('a statement’s name', () => {
  test('stands for one text for ever', () => {
    expect(sql('test.same', 'select 1')).toEqual(sql('test.same', 'select 1'));
    expect(() => sql('test.same', 'select 2')).toThrow('test.same');
  });

  test('has at most 63 bytes, as PostgreSQL keeps no more', () => {
    expect(() => sql('x'.repeat(63), 'select 1')).not.toThrow();
    expect(() => sql('x'.repeat(64), 'select 1')).toThrow('63');
    expect(() => sql('ä'.repeat(32), 'select 1')).toThrow('63');
  });
});
