import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import { appendEntries, connectTo, sealed, startSealer } from '../../testing/audit-trail.ts';
import { createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { readEnvironment } from '../config/environment.ts';
import { makeSigningKey } from './checkpoint.ts';
import { runVerification } from './verify-command.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'audit-verify-'));
const file = (name: string, content: string): string => {
  const target = path.join(folder, name);
  writeFileSync(target, content);
  return target;
};
let database: TestDatabase;
let client: pg.Client;
let log: string;
beforeAll(async () => {
  database = await createDatabase('doctor');
  client = await connectTo(database.ownerUrl);
  const sealer = startSealer(database.url, 'doctor');
  await appendEntries(client, 3);
  await sealed(client, sealer);
  await sealer.stop();
  log = file('log', ['a line of something else', ...sealer.lines].join('\n'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await client.end();
  await database.drop();
});

async function verify(args: readonly string[], url = database.url) {
  const lines: string[] = [];
  const code = await runVerification('doctor', readEnvironment({ DATABASE_URL: url }), args, (line) =>
    lines.push(line),
  );
  return { code, text: lines.join('\n') };
}

test('0 and the counts, as the application role, when all is as it was sealed', async () => {
  const { code, text } = await verify(['--checkpoints', log]);
  expect(text).toMatch(
    /^ok: 3 entries; positions 1 to 3 are linked, up to 3 proven by 1 checkpoints; 0 wait to be sealed\n/,
  );
  expect(text).toContain('trusted because the log announces them');
  expect(code).toBe(0);
});

test('1, the row and the proof, when one was changed', async () => {
  await client.query('update audit_entries set keys = keys || 7 where id = 2');
  const { code, text } = await verify(['--checkpoints', log]);
  await client.query('update audit_entries set keys = trim_array(keys, 1) where id = 2');
  expect(code).toBe(1);
  expect(text).toMatch(/^NOT ok: at position 2 entry 2 is not what was sealed there: it was changed/);
  expect(text).toMatch(/checkpoint 3 of \S+ \(key [0-9a-f]{16}\) proves it/);
});

test('2 when no line is a checkpoint of this service', async () => {
  const { code, text } = await verify(['--checkpoints', file('empty', 'a line of something else')]);
  expect([code, text]).toEqual([2, expect.stringContaining('nothing is proven')]);
});

test('2 when checkpoints were signed by other keys: they are counted, and prove nothing', async () => {
  const key = file('key', String(makeSigningKey().privateKey.export({ type: 'pkcs8', format: 'pem' })));
  const { code, text } = await verify(['--checkpoints', log, '--key', key]);
  expect([code, text]).toEqual([
    2,
    expect.stringMatching(/up to 0 proven by 0 checkpoints.*\n1 checkpoints were signed by other keys/),
  ]);
});

test.each<[string, () => readonly string[], string]>([
  ['no file is given', () => [], '--checkpoints FILE is missing'],
  ['the file is not there', () => ['--checkpoints', path.join(folder, 'none')], 'ENOENT'],
  ['an option is not known', () => ['--nonsense'], "Unknown option '--nonsense'"],
  ['the key is none', () => ['--checkpoints', log, '--key', log], 'could not look: '],
])('2 when %s', async (_what, args, message) => {
  const { code, text } = await verify(args());
  expect([code, text]).toEqual([2, expect.stringContaining(message)]);
});

test('2 when the database is away', async () => {
  expect(await verify(['--checkpoints', log], 'postgres://doctor_app@127.0.0.1:9/none')).toEqual({
    code: 2,
    text: expect.stringContaining('ECONNREFUSED'),
  });
});
