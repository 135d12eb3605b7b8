import type pg from 'pg';
import { type Database, openDatabase } from '../../shared/db/database.ts';
import { seedWaiting } from '../../testing/clinic.ts';
import { connectAsOwner, createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { claimDue } from './settler-store.ts';

let database: TestDatabase;
/** As the owner, to look behind the stores. */
let db: pg.Client;
let pool: Database;

beforeEach(async () => {
  database = await createDatabase('patient');
  db = await connectAsOwner(database);
  pool = openDatabase({ url: database.url, poolMax: 10, constraints: {}, onIdleError: () => undefined });
});
afterEach(async () => {
  await pool.close();
  await db.end();
  await database.drop();
});

describe('a claim', () => {
  const WAIT = {
    name: 'test.wait',
    text: 'select extract(epoch from next_try_at - now())::float8 as seconds from appointments',
  };

  test('puts the next try off for 1, 2, 4 and then always 5 seconds, less up to a quarter', async () => {
    await seedWaiting({ db }, 1);
    for (const seconds of [1, 2, 4, 5, 5, 5]) {
      // Its own transaction's clock stands still.
      const waits = await pool.tx(async (tx) => {
        expect(await claimDue(tx, 1)).toHaveLength(1);
        const [row] = await tx.query<[], { seconds: number }>(WAIT, []);
        return row?.seconds;
      });
      expect(waits).toBeGreaterThanOrEqual(0.75 * seconds - 1e-6);
      expect(waits).toBeLessThanOrEqual(seconds);
      await db.query('update appointments set next_try_at = now()');
    }
  });

  test('puts what was due at one moment off to different ones', async () => {
    await seedWaiting({ db }, 10);
    expect(await claimDue(pool, 10)).toHaveLength(10);
    const { rows } = await db.query('select distinct next_try_at from appointments');
    expect(rows.length).toBeGreaterThan(1);
  });

  test('takes what has been due for longest, and nothing that is not due', async () => {
    const [late] = await seedWaiting({ db }, 1, { dueInSeconds: -10 });
    await seedWaiting({ db }, 1, { dueInSeconds: 60 });
    const [later] = await seedWaiting({ db }, 1, { dueInSeconds: -20 });
    expect((await claimDue(pool, 1)).map(({ appointmentId }) => appointmentId)).toEqual([later]);
    expect((await claimDue(pool, 10)).map(({ appointmentId }) => appointmentId)).toEqual([late]);
    expect(await claimDue(pool, 10)).toEqual([]);
  });

  test.each([
    ['waits for its answer', null, true],
    ['was told to wait, and keeps that', '{"status":202,"headers":{}}', false],
  ])('tells whether the outcome is to answer a key that %s', async (_what, answer, keyed) => {
    const [id] = await seedWaiting({ db }, 1);
    await db.query('update appointment_revisions set keyed = true');
    await db.query(
      `insert into idempotency_keys (caller, key, fingerprint, answer, resource_id, revision) values ('c', 'k', 'f', $2, $1, 1)`,
      [id, answer],
    );
    expect(await claimDue(pool, 1)).toMatchObject([{ appointmentId: id, keyed }]);
  });

  test('passes over what another settler is claiming at the same moment', async () => {
    const ids = await seedWaiting({ db }, 10);
    const [mine, theirs] = await pool.tx(async (tx) => [await claimDue(tx, 5), await claimDue(pool, 10)]);
    const claimed = [...mine, ...theirs].map(({ appointmentId }) => appointmentId);
    expect([mine.length, theirs.length]).toEqual([5, 5]);
    expect(claimed.sort()).toEqual(ids.sort());
  });
});
