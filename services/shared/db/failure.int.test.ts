import { type AddressInfo, connect, createServer } from 'node:net';
import pg from 'pg';
import { startDatabaseProxy } from '../../testing/database-proxy.ts';
import { eventually } from '../../testing/eventually.ts';
import { connectAsOwner, createDatabase, type TestDatabase, urlOf } from '../../testing/postgres.ts';
import type { TcpProxy } from '../../testing/tcp-proxy.ts';
import type { Problem } from '../problem/problem.ts';
import { type Database, openDatabase } from './database.ts';
import { databaseAway } from './failure.ts';
import { lookup, sql } from './statement.ts';

const ADD = sql<[name: string]>('test.add', 'insert into things (name) values ($1)');
const NAMES = sql<[], { name: string }>('test.names', 'select name from things order by name');
const SLEEP = sql<[seconds: number]>('test.sleep', 'select pg_sleep($1)');
const ONE = sql<[], { one: number }>('test.one', 'select 1 as one');
const WRONG = sql<[]>('test.wrong', 'select 1/0');
const LOOKED_UP = lookup<[], { one: number }>('test.looked_up', 'select 1 as one');
const PID = sql<[], { pid: number }>('test.pid', 'select pg_backend_pid() as pid');

let server: TestDatabase;
let owner: pg.Client;
let superuser: pg.Client;
const opened: { close: () => Promise<unknown> }[] = [];
const idleErrors: Error[] = [];

function open(settings: { poolMax?: number; url?: string } = {}): Database {
  const db = openDatabase({
    url: server.url,
    poolMax: 4,
    constraints: {},
    onIdleError: (error) => idleErrors.push(error),
    ...settings,
  });
  opened.push(db);
  return db;
}

const READY_FOR_QUERY = Buffer.from('Z\0\0\0\x05I', 'latin1');
const FATAL = Buffer.from(
  `E\0\0\0\x2c${['SFATAL', 'VFATAL', 'C57P02', 'Mcrash of another', ''].map((field) => `${field}\0`).join('')}`,
  'latin1',
);

/** A way to a database that says in one packet that a connection is open and that it ends, until connections may pass. */
async function startEndingAtOnce(
  databaseUrl: string,
): Promise<{ url: string; pass: () => void; close: () => Promise<void> }> {
  let passes = false;
  const url = new URL(databaseUrl);
  const target = Number(url.port);
  const relay = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    client.pipe(upstream);
    upstream.on('data', (bytes) => {
      const isOpen = bytes.subarray(-READY_FOR_QUERY.length).equals(READY_FOR_QUERY);
      client.write(isOpen && !passes ? Buffer.concat([bytes, FATAL]) : bytes);
    });
    for (const socket of [client, upstream])
      socket.on('error', () => undefined).on('close', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  url.port = String((relay.address() as AddressInfo).port);
  return {
    url: url.href,
    pass: () => {
      passes = true;
    },
    close: async () => void relay.close(),
  };
}

/** The database behind a proxy that can fail. */
async function openBehindProxy(): Promise<{ db: Database; proxy: TcpProxy }> {
  const { proxy, url } = await startDatabaseProxy(server.url);
  const db = open({ url });
  opened.push(proxy);
  return { db, proxy };
}

beforeAll(async () => {
  server = await createDatabase('doctor');
  owner = await connectAsOwner(server);
  superuser = new pg.Client({ connectionString: urlOf('postgres', owner.database ?? '') });
  await superuser.connect();
  await owner.query('create table things (name text); grant all on things to doctor_app');
});
beforeEach(() => owner.query('truncate things'));
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});
afterAll(async () => {
  await superuser.end();
  await owner.end();
  await server.drop();
});

const names = async (db: Database): Promise<string[]> => (await db.query(NAMES, [])).map(({ name }) => name);
const kill = async (db: Database): Promise<void> => {
  const [row] = await db.query(PID, []);
  await superuser.query('select pg_terminate_backend($1)', [row?.pid]);
};

/** What a request would be answered. */
const problemOf = (work: Promise<unknown>): Promise<Problem | undefined> =>
  work.then(
    () => {
      throw new Error('was expected to fail');
    },
    (error: unknown) => databaseAway(error),
  );

const UNAVAILABLE = expect.objectContaining({
  status: 503,
  type: 'unavailable',
  headers: { 'retry-after': '1' },
});

describe('when the database is away', () => {
  test('503 when the connection is lost in the middle of a statement, of a transaction, or between two statements', async () => {
    const db = open();
    const sleeping = problemOf(db.query(SLEEP, [60]));
    await eventually(async () => {
      const { rowCount } = await superuser.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where query = $1 and datname = current_database() and state = 'active'`,
        [SLEEP.text],
      );
      expect(rowCount).toBe(1);
    });
    expect(await sleeping).toEqual(UNAVAILABLE);

    const between = db.tx(async (tx) => {
      await tx.query(ADD, ['lost']);
      const [row] = await tx.query(PID, []);
      await superuser.query('select pg_terminate_backend($1)', [row?.pid]);
      await tx.query(ADD, ['lost too']);
    });
    expect(await problemOf(between)).toEqual(UNAVAILABLE);
    expect(await names(db)).toEqual([]);
  });

  test('the error of an idle connection is told, and the next request gets another', async () => {
    idleErrors.length = 0;
    const db = open({ poolMax: 1 });
    await kill(db);
    await eventually(async () => expect(idleErrors).not.toHaveLength(0));
    expect(await db.query(ONE, [])).toEqual([{ one: 1 }]);
  });

  test('warming rejects while nobody listens, and keeps no connection from a caller', async () => {
    const { db, proxy } = await openBehindProxy();
    await proxy.refuse();
    await expect(db.warm()).rejects.toThrow();
    expect(db.load()).toEqual({ size: 0, idle: 0, waiting: 0 });
    await proxy.pass();
    await db.warm();
    expect(db.load()).toEqual({ size: 4, idle: 4, waiting: 0 });
  });

  test('warming rejects, and ends nothing, when connections are lost while another one opens', async () => {
    const { db, proxy } = await openBehindProxy();
    const slow = proxy.hold('start-up', 'asked');
    const warming = expect(db.warm()).rejects.toThrow();
    await slow;
    // The others are open by now: they wait for the slow one.
    await eventually(async () => {
      const { rows } = await superuser.query(
        `select count(*)::integer from pg_stat_activity where usename = 'doctor_app' and state = 'idle' and datname = current_database()`,
      );
      expect(rows).toEqual([{ count: 3 }]);
    });
    await proxy.refuse();
    await warming;
    await proxy.pass();
    // What was lost may be noticed only when it is used.
    await eventually(async () => {
      await db.warm();
      expect(db.load()).toEqual({ size: 4, idle: 4, waiting: 0 });
    });
  });

  test('503 when the packet that opens a connection also ends it, as while another process of the database crashes', async () => {
    const relay = await startEndingAtOnce(server.url);
    opened.push(relay);
    const db = open({ url: relay.url, poolMax: 1 });
    expect(await problemOf(db.query(SLEEP, [0]))).toEqual(UNAVAILABLE);
  });

  test('connections that requests share are not used when the packet that opens them also ends them', async () => {
    const relay = await startEndingAtOnce(server.url);
    opened.push(relay);
    const db = open({ url: relay.url });
    await expect(db.warm()).rejects.toThrow();
    relay.pass();
    expect(await db.query(LOOKED_UP, [])).toEqual([{ one: 1 }]);
  });

  test('503 while nobody listens, and answers again without a restart', async () => {
    const { db, proxy } = await openBehindProxy();
    expect(await db.query(ONE, [])).toEqual([{ one: 1 }]);
    await proxy.refuse();
    expect(await problemOf(db.query(ONE, []))).toEqual(UNAVAILABLE);
    expect(await problemOf(db.tx((tx) => tx.query(ADD, ['x'])))).toEqual(UNAVAILABLE);
    await proxy.pass();
    expect(await db.query(ONE, [])).toEqual([{ one: 1 }]);
  });

  test('503 when the connection is lost while committing: nobody knows what became of it', async () => {
    const { db, proxy } = await openBehindProxy();
    const held = proxy.hold(/^commit/i, 'answered');
    const work = problemOf(db.tx((tx) => tx.query(ADD, ['committed'])));
    (await held).lose();
    expect(await work).toEqual(UNAVAILABLE);
    expect(await names(db)).toEqual(['committed']);
  });

  test('503 after some seconds when the database says nothing, and answers again without a restart', async () => {
    const { db, proxy } = await openBehindProxy();
    await db.query(ONE, []);
    proxy.silence();
    const started = performance.now();
    const [statement, transaction] = await Promise.all([
      problemOf(db.query(ONE, [])),
      problemOf(db.tx((tx) => tx.query(ONE, []))),
    ]);
    expect([statement, transaction]).toEqual([UNAVAILABLE, UNAVAILABLE]);
    expect(performance.now() - started).toBeLessThan(4_500);
    await proxy.pass();
    expect(await db.query(ONE, [])).toEqual([{ one: 1 }]);
  }, 15_000);

  test('the loss of a connection that requests share is told once', async () => {
    const { db, proxy } = await openBehindProxy();
    await db.warm();
    idleErrors.length = 0;
    proxy.silence();
    await problemOf(db.query(LOOKED_UP, []));
    expect(idleErrors).not.toEqual([]);
    await proxy.pass();
    await eventually(async () => expect(await db.query(LOOKED_UP, [])).toEqual([{ one: 1 }]));
    expect(idleErrors).toEqual([expect.objectContaining({ code: 'ETIMEDOUT' })]);
  }, 15_000);

  test('503 within half a second when no connection is free', async () => {
    const db = open({ poolMax: 1 });
    let release: () => void = () => undefined;
    const busy = db.tx(
      () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    );
    await eventually(async () => expect(db.load().idle).toBe(0));
    const started = performance.now();
    expect(await problemOf(db.query(ONE, []))).toEqual(UNAVAILABLE);
    const took = performance.now() - started;
    expect(took).toBeGreaterThan(400);
    expect(took).toBeLessThan(800);
    release();
    await busy;
    expect(await db.query(ONE, [])).toEqual([{ one: 1 }]);
  });

  test('503 for a statement that takes longer than 2 seconds; its connection is used again', async () => {
    const db = open({ poolMax: 1 });
    const [before] = await db.query(PID, []);
    const started = performance.now();
    expect(await problemOf(db.query(SLEEP, [60]))).toEqual(UNAVAILABLE);
    expect(performance.now() - started).toBeLessThan(2_700);
    expect(await db.query(PID, [])).toEqual([before]);
  });

  test('503 when the password is wrong, as while it is being changed', async () => {
    const url = new URL(server.url);
    url.password = 'wrong';
    expect(await problemOf(open({ url: url.href }).query(ONE, []))).toEqual(UNAVAILABLE);
  });

  test('a statement that is wrong is a defect, and no absence', async () => {
    expect(await problemOf(open().query(WRONG, []))).toBeUndefined();
  });
});
