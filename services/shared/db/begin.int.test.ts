import type pg from 'pg';
import { connectAsOwner, createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { type Database, openDatabase } from './database.ts';
import { sql } from './statement.ts';

const ADD = sql<[name: string]>('test.begin.add', 'insert into things (name) values ($1)');
const NAMES = sql<[], { name: string }>('test.begin.names', 'select name from things order by name');
// BEGIN is then unknown to the connection that has prepared it, and fails with an error after which the connection still works.
const FORGET_BEGIN = sql<[]>('test.begin.forget', 'deallocate begin');

let server: TestDatabase;
let owner: pg.Client;
let db: Database;

beforeAll(async () => {
  server = await createDatabase('doctor');
  owner = await connectAsOwner(server);
  await owner.query('create table things (name text); grant all on things to doctor_app');
});
beforeEach(async () => {
  await owner.query('truncate things');
  db = openDatabase({ url: server.url, poolMax: 1, constraints: {}, onIdleError: () => undefined });
  await db.tx((tx) => tx.query(NAMES, []));
  await db.query(FORGET_BEGIN, []);
});
afterEach(() => db.close());
afterAll(async () => {
  await owner.end();
  await server.drop();
});

const names = async (): Promise<string[]> =>
  (await owner.query<{ name: string }>('select name from things order by name')).rows.map(({ name }) => name);

describe('when BEGIN fails, nothing of the transaction is committed', () => {
  test('of statements that wait for each other', async () => {
    const work = db.tx(async (tx) => {
      await tx.query(ADD, ['first']);
      await tx.query(ADD, ['second']);
    });
    await expect(work).rejects.toThrow();
    expect(await names()).toEqual([]);
  });

  test('of statements that go out together', async () => {
    const work = db.tx((tx) => Promise.all([tx.query(ADD, ['first']), tx.query(ADD, ['second'])]));
    await expect(work).rejects.toThrow();
    expect(await names()).toEqual([]);
  });

  test('of what is written after statements that went out with BEGIN', async () => {
    const work = db.tx(
      async (tx) => {
        await tx.query(NAMES, []);
        await tx.query(ADD, ['first']);
      },
      { beginsByLocking: true },
    );
    await expect(work).rejects.toThrow();
    expect(await names()).toEqual([]);
  });

  test('and that is told, also where all of it locked and read only', async () => {
    const work = db.tx((tx) => tx.query(NAMES, []), { beginsByLocking: true });
    await expect(work).rejects.toThrow();
  });

  test('and that is told, also where COMMIT went out with it', async () => {
    const work = db.tx((tx) => tx.last.query(NAMES, []), { beginsByLocking: true });
    await expect(work).rejects.toThrow();
  });

  test('and the next transaction is one again', async () => {
    await db.tx((tx) => tx.query(ADD, ['lost'])).catch(() => undefined);
    const error = new Error('changed my mind');
    const undone = db.tx(async (tx) => {
      await tx.query(ADD, ['undone']);
      throw error;
    });
    await expect(undone).rejects.toBe(error);
    await db.tx((tx) => tx.query(ADD, ['kept']));
    expect(await names()).toEqual(['kept']);
  });
});
