import { existsSync, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import pg from 'pg';
import { asSuperuser, createMissing } from './databases.ts';
import { type PostgresServer, startPostgres } from './postgres.ts';
import { commandOf } from './processes.ts';

// Most of it is initdb and fsync, on a machine that may be busy with other tests.
jest.setTimeout(30_000);

let folder: string;
const fresh: string[] = [];
const started: PostgresServer[] = [];

/** A new data folder that PostgreSQL's user may enter. */
async function makeFolder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'clinic-postgres-'));
  await chmod(made, 0o755);
  fresh.push(made);
  return made;
}

async function start(on = folder): Promise<PostgresServer> {
  const server = await startPostgres({ folder: on });
  started.push(server);
  await asSuperuser(server.url('postgres', 'postgres'), (client) => createMissing(client, server.passwordOf));
  return server;
}

async function query(url: string, text: string): Promise<unknown[]> {
  return await asSuperuser(url, async (client) => (await client.query({ text, rowMode: 'array' })).rows);
}

/** A connection that stays open; the promise resolves when the server has ended it. */
async function stayConnected(url: string): Promise<{ ended: Promise<void> }> {
  const connection = new pg.Client({ connectionString: url });
  connection.on('error', () => undefined);
  await connection.connect();
  return { ended: new Promise((resolve) => connection.once('end', resolve)) };
}

beforeAll(async () => {
  folder = await makeFolder();
});

afterEach(async () => {
  for (const server of started.splice(0)) {
    server.kill();
    await server.ended;
  }
});

afterAll(async () => {
  for (const each of fresh) await rm(each, { recursive: true });
});

test('starts on a fresh folder, on the loopback interface only, with all that must be durable', async () => {
  const server = await start();
  const url = server.url('postgres', 'postgres');
  const settings = 'listen_addresses,unix_socket_directories,fsync,synchronous_commit,full_page_writes'.split(
    ',',
  );
  const values = await Promise.all(settings.map((name) => query(url, `show ${name}`)));
  expect(values.flat(2)).toEqual(['127.0.0.1', '', 'on', 'on', 'on']);
  expect(
    await query(url, "select current_setting('server_version_num')::int / 10000, getdatabaseencoding()"),
  ).toEqual([[18, 'UTF8']]);
});

test('each service has an owner of its database and a role that owns nothing and cannot see the other one', async () => {
  const server = await start();
  await query(server.url('patient_owner', 'patient'), 'create extension btree_gist');
  await query(server.url('patient_owner', 'patient'), 'create table kept (id int)');
  const app = server.url('patient_app', 'patient');
  await expect(query(app, 'create table mine ()')).rejects.toThrow('permission denied for schema public');
  await expect(query(app, 'select * from kept')).rejects.toThrow('permission denied for table kept');
  await expect(query(server.url('patient_app', 'doctor'), 'select 1')).rejects.toThrow(
    'permission denied for database',
  );
  await expect(query(server.url('doctor_owner', 'patient'), 'select 1')).rejects.toThrow(
    'permission denied for database',
  );
});

test('nobody gets in without the password, which is in a file for us alone', async () => {
  const server = await start();
  const url = `postgresql://postgres:guessed@127.0.0.1:${server.port}/postgres`;
  await expect(query(url, 'select 1')).rejects.toThrow('password authentication failed');
  expect(statSync(join(folder, 'passwords.json')).mode & 0o777).toBe(0o600);
});

test('keeps the data over a stop and a start', async () => {
  const first = await start();
  await query(
    first.url('doctor_owner', 'doctor'),
    "create table survives_a_stop as select 'still here' as value",
  );
  await first.stop();
  expect(await first.ended).toBe('exit code 0');
  const second = await start();
  expect(await query(second.url('doctor_owner', 'doctor'), 'select value from survives_a_stop')).toEqual([
    ['still here'],
  ]);
});

test('keeps what was committed when the server is killed, and starts again by itself', async () => {
  const first = await start();
  const url = first.url('doctor_owner', 'doctor');
  await query(url, "create table survives_a_kill as select 'still here' as value");
  await stayConnected(url);
  process.kill(first.pid, 'SIGKILL');
  expect(await first.ended).toBe('SIGKILL');
  const second = await start();
  expect(await query(second.url('doctor_owner', 'doctor'), 'select value from survives_a_kill')).toEqual([
    ['still here'],
  ]);
});

test('takes the data back from a server that outlived whoever had started it', async () => {
  const orphan = await start();
  const connection = await stayConnected(orphan.url('doctor_owner', 'doctor'));
  const next = await start();
  expect(await orphan.ended).toBe('exit code 0');
  await connection.ended;
  expect(await query(next.url('doctor_owner', 'doctor'), 'select 1')).toEqual([[1]]);
});

test("does not mistake another program for its server when a killed one's process id was given to it", async () => {
  const first = await start();
  await first.stop();
  const file = join(folder, 'postgres', 'postmaster.pid');
  await writeFile(file, `${process.pid}\n${join(folder, 'postgres')}\n0\n5432\n\n127.0.0.1\n0 0\nready\n`, {
    mode: 0o600,
  });
  const second = await start();
  expect(commandOf(process.pid)).toBeDefined();
  expect(await readFile(file, 'utf8')).toMatch(new RegExp(`^${second.pid}\n`));
});

test('begins again where the making of the data folder was cut short', async () => {
  const empty = await makeFolder();
  await mkdir(join(empty, 'making-abc', 'data', 'base'), { recursive: true });
  const halt = new AbortController();
  const interrupted = startPostgres({ folder: empty, signal: halt.signal });
  setTimeout(() => halt.abort(), 150);
  await expect(interrupted).rejects.toThrow();
  expect(existsSync(join(empty, 'postgres'))).toBe(false);
  await start(empty);
  expect(await readdir(empty)).toEqual(['passwords.json', 'postgres', 'postgres.log']);
});

test('says in one line which folder its user may not enter', async () => {
  const closed = join(folder, 'closed');
  await mkdir(join(closed, 'data'), { recursive: true });
  await chmod(closed, 0o600);
  await expect(startPostgres({ folder: join(closed, 'data') })).rejects.toThrow(
    new RegExp(`^PostgreSQL runs as .+ and may not enter ${closed}: chmod o\\+x '${closed}', or [^\n]+$`),
  );
  await chmod(closed, 0o700);
});

test('says in one line that the passwords are missing', async () => {
  const first = await start();
  await first.stop();
  const passwords = join(folder, 'passwords.json');
  await rename(passwords, join(folder, 'elsewhere'));
  await expect(startPostgres({ folder })).rejects.toThrow(/^\S+passwords\.json is missing: [^\n]+$/);
  await rename(join(folder, 'elsewhere'), passwords);
});

test('says in one line what PostgreSQL itself complains about', async () => {
  const failure = startPostgres({ folder, settings: { shared_buffers: 'much' } });
  await expect(failure).rejects.toThrow(
    /^PostgreSQL did not start \(FATAL: [^\n]+shared_buffers[^\n]+postgres\.log/,
  );
});
