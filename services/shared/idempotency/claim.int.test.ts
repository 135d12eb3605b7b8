import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { connectAsOwner, createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { type Database, openDatabase } from '../db/database.ts';
import type { IdempotencyKey } from './key.ts';
import { claimKey } from './once.ts';
import { deleteUnanswered, insertKey, setAnswer } from './store.ts';

const ANSWER = { status: 201, headers: { location: '/things/1' }, body: '{"run":1}' };
const OTHER = { ...ANSWER, body: '{"run":2}' };

let server: TestDatabase;
let owner: pg.Client;
let db: Database;
beforeAll(async () => {
  server = await createDatabase('doctor');
  owner = await connectAsOwner(server);
  db = openDatabase({ url: server.url, poolMax: 4, constraints: {}, onIdleError: () => undefined });
});
afterAll(async () => {
  await db.close();
  await owner.end();
  await server.drop();
});

const newKey = (): IdempotencyKey => ({ caller: 'tests', key: randomUUID(), fingerprint: 'f' });
const claim = (key: IdempotencyKey) => db.tx((tx) => claimKey(tx, key));
const age = (key: IdempotencyKey, interval: string) =>
  owner.query('update idempotency_keys set created_at = now() - $2::interval where key = $1', [
    key.key,
    interval,
  ]);

/** A key whose answer is still to come, from a revision of a resource. */
async function insertUnanswered(key: IdempotencyKey): Promise<{ resourceId: string; revision: number }> {
  const made = { resourceId: randomUUID(), revision: 3 };
  await db.tx((tx) => insertKey(tx, key, made));
  return made;
}

const IN_PROGRESS = expect.objectContaining({
  type: 'request-in-progress',
  status: 409,
  headers: { 'retry-after': '1' },
});

test('a key that nobody has used is new', async () => {
  expect(await claim(newKey())).toEqual({ state: 'new' });
});

test('a key without an answer is in progress for 15 seconds, then its revision tells the answer', async () => {
  const key = newKey();
  const made = await insertUnanswered(key);
  await expect(claim(key)).rejects.toEqual(IN_PROGRESS);
  await age(key, '14 seconds');
  await expect(claim(key)).rejects.toEqual(IN_PROGRESS);
  await age(key, '16 seconds');
  expect(await claim(key)).toEqual({ state: 'unanswered', ...made });
});

test('the answer of the revision that a key made is its answer, and the first one stays', async () => {
  const key = newKey();
  const { resourceId, revision } = await insertUnanswered(key);
  expect(await db.tx((tx) => setAnswer(tx, resourceId, revision, ANSWER))).toEqual(ANSWER);
  expect(await db.tx((tx) => setAnswer(tx, resourceId, revision, OTHER))).toEqual(ANSWER);
  expect(await claim(key)).toEqual({ state: 'answered', answer: ANSWER });
});

test('a revision that no key made has no answer to store', async () => {
  expect(await db.tx((tx) => setAnswer(tx, randomUUID(), 1, ANSWER))).toBeUndefined();
});

test('a key is forgotten while it has no answer, and not after', async () => {
  const key = newKey();
  const { resourceId, revision } = await insertUnanswered(key);
  await db.tx((tx) => deleteUnanswered(tx, resourceId, revision));
  expect(await claim(key)).toEqual({ state: 'new' });

  const answered = newKey();
  await db.tx((tx) => insertKey(tx, answered, { answer: ANSWER }));
  const made = await insertUnanswered(key);
  await db.tx((tx) => setAnswer(tx, made.resourceId, made.revision, ANSWER));
  await db.tx((tx) => deleteUnanswered(tx, made.resourceId, made.revision));
  expect(await claim(key)).toEqual({ state: 'answered', answer: ANSWER });
});

test('another request is told before anything else, also while the first is in progress', async () => {
  const key = newKey();
  await insertUnanswered(key);
  await expect(claim({ ...key, fingerprint: 'g' })).rejects.toMatchObject({ type: 'idempotency-key-reused' });
});

test('the same key of another caller is another key', async () => {
  const key = newKey();
  await db.tx((tx) => insertKey(tx, key, { answer: ANSWER }));
  expect(await claim({ ...key, caller: 'somebody else' })).toEqual({ state: 'new' });
});

test('a claim ends with its transaction', async () => {
  const key = newKey();
  await db.tx(async (tx) => {
    await claimKey(tx, key);
    await expect(claim(key)).rejects.toEqual(IN_PROGRESS);
  });
  expect(await claim(key)).toEqual({ state: 'new' });
});
