import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { asSuperuser, createDatabase, ownerRole, superuser } from '../../local/databases.ts';
import { startDatabaseProxy } from '../../testing/database-proxy.ts';
import { urlOf } from '../../testing/postgres.ts';
import { migrate, newestMigration } from './migrate.ts';

const admin = () => urlOf(superuser, 'postgres');

let folder: string;
let database: string;

const ownerUrl = () => urlOf(ownerRole('doctor'), database);
const file = (name: string, text: string) => writeFile(path.join(folder, name), text);

/** Migrates, and returns what was told. */
async function run(
  url = ownerUrl(),
  options: { waitMs?: number; directory?: string } = {},
): Promise<string[]> {
  const told: string[] = [];
  await migrate({
    ownerUrl: url,
    directory: folder,
    applicationRole: 'doctor_app',
    log: (message) => told.push(message),
    ...options,
  });
  return told;
}

async function ask<Row>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows as Row[];
  } finally {
    await client.end();
  }
}

async function start(): Promise<void> {
  folder = await mkdtemp(path.join(tmpdir(), 'migrations-'));
  await file('0001_things.sql', 'create table things (id integer primary key);');
  await file('0002_more.sql', 'create table more (id integer primary key); insert into more values (1);');
  database = `doctor_${randomUUID().slice(0, 8)}`;
  await asSuperuser(admin(), (client) => createDatabase(client, database, 'doctor'));
}

async function stop(): Promise<void> {
  await rm(folder, { recursive: true });
  await asSuperuser(admin(), async (client) => {
    await client.query(`drop database ${database} with (force)`);
  });
}

const applied = () =>
  ask<{ name: string }>(ownerUrl(), 'select name from migrations order by id').then((rows) =>
    rows.map(({ name }) => name),
  );

describe('migrating', () => {
  beforeEach(start);
  afterEach(stop);

  test('runs what is new, in order, and the second time nothing', async () => {
    expect(await run()).toEqual(['migrated: 0001_things, 0002_more']);
    expect(await run()).toEqual(['the schema is up to date']);
    await file('0003_last.sql', 'create table last (id integer primary key);');
    expect(await run()).toEqual(['migrated: 0003_last']);
    expect(await applied()).toEqual(['0001_things', '0002_more', '0003_last']);
  });

  test('four at once: one works, the others wait and find nothing to do', async () => {
    const told = (await Promise.all([run(), run(), run(), run()])).flat();
    expect(told.sort()).toEqual([
      'migrated: 0001_things, 0002_more',
      'the schema is up to date',
      'the schema is up to date',
      'the schema is up to date',
    ]);
    expect(await ask(ownerUrl(), 'select count(*)::integer as count from more')).toEqual([{ count: 1 }]);
  });

  test('a file that fails leaves nothing of itself, keeps those before it, and can be mended', async () => {
    await file('0002_more.sql', 'create table more (id integer primary key); select 1/0;');
    await expect(run()).rejects.toThrow('division by zero');
    expect(await applied()).toEqual(['0001_things']);
    expect(await ask(ownerUrl(), `select to_regclass('more') as more`)).toEqual([{ more: null }]);
    await file('0002_more.sql', 'create table more (id integer primary key);');
    expect(await run()).toEqual(['migrated: 0002_more']);
  });

  test('the lock is free after a failure and after success', async () => {
    await file('0003_wrong.sql', 'nonsense;');
    await expect(run()).rejects.toThrow('nonsense');
    await rm(path.join(folder, '0003_wrong.sql'));
    expect(await run()).toEqual(['the schema is up to date']);
  });

  test('a number that is lower than what has run is refused', async () => {
    await run();
    await file('0000_forgotten.sql', 'select 1;');
    await expect(run()).rejects.toThrow('0000_forgotten is preceding already run migration 0001_things');
  });

  test('a wrong password, user or database is told at once', async () => {
    const change = (part: 'password' | 'username' | 'pathname', value: string): string => {
      const url = new URL(ownerUrl());
      url[part] = value;
      return url.href;
    };
    await expect(run(change('password', 'wrong'))).rejects.toThrow(
      'the database refuses the user or its password; check OWNER_DATABASE_URL',
    );
    await expect(run(change('username', 'nobody'))).rejects.toThrow('refuses the user');
    await expect(run(change('pathname', '/nowhere'))).rejects.toThrow(
      'the database does not exist; check OWNER_DATABASE_URL',
    );
  });

  test('a database that is late is waited for', async () => {
    const { proxy, url } = await startDatabaseProxy(ownerUrl());
    await proxy.refuse();
    let toldToWait: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => {
      toldToWait = resolve;
    });
    const told: string[] = [];
    const migrating = migrate({
      ownerUrl: url,
      directory: folder,
      applicationRole: 'doctor_app',
      log: (message) => {
        told.push(message);
        if (told.length === 2) toldToWait();
      },
    });
    await waiting;
    await proxy.pass();
    await migrating;
    expect(told[0]).toBe(`waiting for the database: connect ECONNREFUSED 127.0.0.1:${proxy.port}`);
    expect(told.at(-1)).toBe('migrated: 0001_things, 0002_more');
    await proxy.close();
  });

  test('a database that does not come is told after the time to wait', async () => {
    const url = new URL(ownerUrl());
    url.port = '9';
    await expect(run(url.href, { waitMs: 300 })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('a password is in no message', async () => {
    const url = new URL(ownerUrl());
    url.password = 'hunter2';
    await expect(run(url.href)).rejects.toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  });
});

describe('the application’s role', () => {
  const appUrl = () => urlOf('doctor_app', database);
  beforeAll(async () => {
    await start();
    await run();
  });
  afterAll(stop);

  test('works with the rows of every table, those of a later migration too', async () => {
    await file('0003_last.sql', 'create table last (id integer primary key);');
    await run();
    for (const table of ['things', 'more', 'last'])
      await ask(
        appUrl(),
        `insert into ${table} values (7); update ${table} set id = 8 where id = 7; select * from ${table}; delete from ${table}`,
      );
  });

  test.each([
    ['write what has been migrated', `insert into migrations (name, run_on) values ('9999_x', now())`],
    ['forget what has been migrated', 'delete from migrations'],
    ['change what has been migrated', `update migrations set name = 'x'`],
    ['create a table', 'create table mine (id integer)'],
    ['create a schema', 'create schema mine'],
    ['create a function', `create function f() returns integer language sql as 'select 1'`],
    ['change a table', 'alter table things add column mine integer'],
    ['drop a table', 'drop table things'],
    ['empty a table', 'truncate things'],
    [
      'create a trigger',
      'create trigger t before insert on things execute function suppress_redundant_updates_trigger()',
    ],
    ['become the owner', 'set role doctor_owner'],
  ])('cannot %s', async (_what, statement) => {
    await expect(ask(appUrl(), statement)).rejects.toMatchObject({ code: '42501' });
  });

  test('owns nothing', async () => {
    expect(
      await ask(
        ownerUrl(),
        `select oid::regclass::text as name from pg_class where relowner = 'doctor_app'::regrole
         union all select nspname from pg_namespace where nspowner = 'doctor_app'::regrole
         union all select proname from pg_proc where proowner = 'doctor_app'::regrole
         union all select datname from pg_database where datdba = 'doctor_app'::regrole`,
      ),
    ).toEqual([]);
  });

  test('reads which migrations have run', async () => {
    expect(await ask(appUrl(), 'select max(name) as newest from migrations')).toEqual([
      { newest: '0003_last' },
    ]);
  });
});

test('the newest migration of a folder is the last by number', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'migrations-'));
  await writeFile(path.join(folder, '0001_one.sql'), 'select 1;');
  await writeFile(path.join(folder, '0010_ten.sql'), 'select 1;');
  await writeFile(path.join(folder, 'README.md'), 'no migration');
  expect(newestMigration(folder)).toBe('0010_ten');
  await rm(folder, { recursive: true });
  const empty = await mkdtemp(path.join(tmpdir(), 'migrations-'));
  expect(() => newestMigration(empty)).toThrow(empty);
  await rm(empty, { recursive: true });
});
