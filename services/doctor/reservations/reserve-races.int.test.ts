import { jest } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { halfHour, seedDoctor } from '../../testing/clinic.ts';
import { deadlocksIn } from '../../testing/deadlocks.ts';
import { type Caller, countAnswers, inParallel, openCaller, warmUp } from '../../testing/load.ts';
import { createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { eventually, startDoctor, type TestService } from '../../testing/services.ts';

jest.setTimeout(60_000);

let database: TestDatabase;
let doctor: TestService;
let caller: Caller;
let doctorId: string;

/** As many as there are clients: this is about the order of decisions, not about overload. */
const CONNECTIONS = 96;

beforeAll(async () => {
  database = await createDatabase('doctor');
  doctor = await startDoctor({ database, settings: { poolMax: CONNECTIONS } });
  caller = openCaller(doctor.url, CONNECTIONS);
  await warmUp(caller, '/reservations', CONNECTIONS);
});
beforeEach(async () => {
  doctorId = await seedDoctor(doctor);
});
afterAll(async () => {
  await caller.close();
  await doctor.stop();
  const deadlocks = await deadlocksIn(database);
  await database.drop();
  expect(deadlocks).toBe(0);
});

const put = (id: string, revision: number, half: number, of = doctorId) =>
  caller.call('PUT', `/reservations/${id}`, { doctorId: of, ...halfHour(half), revision });
const release = (id: string, revision: number) =>
  caller.call('DELETE', `/reservations/${id}?revision=${revision}`);
/** Closes some half hours; the doctor's zone is UTC. */
const close = (first: number, count: number) =>
  caller.call('POST', `/doctors/${doctorId}/exceptions`, {
    kind: 'closed',
    from: halfHour(first).startsAt.slice(0, 16),
    to: halfHour(first + count).startsAt.slice(0, 16),
  });

const uuids = (count: number) => Array.from({ length: count }, () => uuidv7());

async function activeRevisions(ids: readonly string[]): Promise<{ id: string; revision: number }[]> {
  const { rows } = await doctor.db.query(
    `select appointment_id as id, revision from reservations where state = 'active' and appointment_id = any ($1) order by id`,
    [ids],
  );
  return rows;
}

async function overlaps(): Promise<number> {
  const { rowCount } = await doctor.db.query(
    `select from reservations a join reservations b
        on a.doctor_id = b.doctor_id and a.appointment_id < b.appointment_id and a.during && b.during
      where a.state = 'active' and b.state = 'active'`,
  );
  return rowCount ?? 0;
}

/** Waits until so many statements wait for a lock. */
const untilBlocked = (count: number) =>
  eventually(async () => {
    const { rows } = await doctor.db.query(
      'select from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()',
    );
    if (rows.length < count) throw new Error(`${rows.length} statements wait`);
  }, 1_500);

/** Runs `work` while we hold what a statement takes, and lets go at its end; nothing of the statement stays. */
async function holding<Result>(sql: string, args: unknown[], work: () => Promise<Result>): Promise<Result> {
  await doctor.db.query('begin');
  try {
    await doctor.db.query(sql, args);
    return await work();
  } finally {
    await doctor.db.query('rollback');
  }
}

test('50 questions for one slot at once: one is granted, 49 are refused, and each gets its answer again', async () => {
  const ids = uuids(50);
  const first = await inParallel(50, ids, (id) => put(id, 1, 0));
  expect(countAnswers(first)).toEqual({ 201: 1, '409 slot-taken': 49 });
  const again = await inParallel(50, ids, (id) => put(id, 1, 0));
  expect(again.map(({ problem }) => problem)).toEqual(first.map(({ problem }) => problem));
  expect(countAnswers(again)).toEqual({ 200: 1, '409 slot-taken': 49 });
});

test('the same revision 20 times at once is decided once', async () => {
  const id = uuidv7();
  const answers = await inParallel(20, Array(20).fill(id), () => put(id, 1, 0));
  expect(countAnswers(answers)).toEqual({ 200: 19, 201: 1 });
});

describe('a reservation and its release at the same moment', () => {
  test('end released, whichever comes first', async () => {
    const ids = uuids(100);
    const answers = await inParallel(32, ids, async (id, index) => {
      const questions = [() => put(id, 1, index), () => release(id, 2)];
      const [first, second] = index % 2 === 0 ? questions : questions.toReversed();
      return Promise.all([first?.(), second?.()]);
    });
    const all = countAnswers(answers.flat().flatMap((answer) => answer ?? []));
    expect(all[204]).toBe(100);
    expect((all[201] ?? 0) + (all['409 superseded'] ?? 0)).toBe(100);
    expect(await activeRevisions(ids)).toEqual([]);
  });

  test('end released when the release arrives while the reservation is being decided', async () => {
    const id = uuidv7();
    // The reservation has looked for older revisions, and now waits for the calendar.
    const answers = await holding('select pg_advisory_xact_lock(2, hashtext($1))', [doctorId], async () => {
      const reserving = put(id, 1, 0);
      await untilBlocked(1);
      const releasing = release(id, 2);
      await untilBlocked(2).catch(() => undefined);
      return { reserving, releasing };
    });
    expect((await answers.reserving).status).toBe(201);
    expect((await answers.releasing).status).toBe(204);
    expect(await activeRevisions([id])).toEqual([]);
  });
});

test('two revisions at once end with the newer one, and only that', async () => {
  const ids = uuids(100);
  await inParallel(32, ids, (id, index) => Promise.all([put(id, 1, 2 * index), put(id, 2, 2 * index + 1)]));
  expect(await activeRevisions(ids)).toEqual([...ids].sort().map((id) => ({ id, revision: 2 })));
});

describe('a closing exception and reservations at the same moment', () => {
  test('either the closing is refused, or nothing is reserved in the closed time', async () => {
    const rounds = Array.from({ length: 30 }, (_, round) => ({
      ids: uuids(8),
      first: round * 48,
      place: round % 9,
    }));
    const answers = await inParallel(4, rounds, async ({ ids, first, place }) => {
      const questions = ids.map((id, index) => () => put(id, 1, first + index));
      return Promise.all(questions.toSpliced(place, 0, () => close(first, 8)).map((question) => question()));
    });
    const closings = rounds.map(({ place }, round) => answers[round]?.[place]?.problem ?? 'closed');
    const fits = [];
    for (const [round, { ids }] of rounds.entries()) {
      const isReserved = (await activeRevisions(ids)).length > 0;
      fits.push(closings[round] === (isReserved ? 'reservations-in-the-way' : 'closed'));
    }
    expect(fits).toEqual(rounds.map(() => true));
    expect(Object.keys(countAnswers(answers.flat())).filter((answer) => answer.startsWith('5'))).toEqual([]);
  });

  test('the closing waits for a reservation that is being decided, and is then refused', async () => {
    const id = uuidv7();
    // The reservation has found the time open, and now waits to see whether another takes it.
    const answers = await holding(
      `insert into reservations (appointment_id, revision, state, doctor_id, starts_at, ends_at, during)
       values ($1, 1, 'active', $2, $3, $4, tstzrange($3, $4))`,
      [uuidv7(), doctorId, halfHour(0).startsAt, halfHour(0).endsAt],
      async () => {
        const reserving = put(id, 1, 0);
        await untilBlocked(1);
        const closing = close(0, 4);
        await untilBlocked(2).catch(() => undefined);
        return { reserving, closing };
      },
    );
    expect((await answers.reserving).status).toBe(201);
    expect((await answers.closing).problem).toBe('reservations-in-the-way');
  });
});

test('hot doctors: 32 clients on each of 3, on one day; no 5xx, nothing overlaps', async () => {
  const doctors = [await seedDoctor(doctor), await seedDoctor(doctor), await seedDoctor(doctor)];
  const clients = Array.from({ length: 96 }, (_, index) => ({ of: doctors[index % 3], seed: index }));
  const answers = await inParallel(96, clients, async ({ of, seed }) => {
    const id = uuidv7();
    const said = [];
    for (let revision = 1; revision <= 8; revision += 1) {
      const half = (seed * 7 + revision * 11) % 48;
      said.push(await (revision % 4 === 0 ? release(id, revision) : put(id, revision, half, of)));
    }
    return said;
  });
  const counts = countAnswers(answers.flat());
  expect(Object.keys(counts).sort()).toEqual(['201', '204', '409 slot-taken']);
  expect(counts[204]).toBe(96 * 2);
  expect(await overlaps()).toBe(0);
});
