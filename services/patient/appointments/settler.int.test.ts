import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { openDatabase } from '../../shared/db/database.ts';
import { createLog } from '../../shared/log/log.ts';
import { at, seedPatient, seedWaiting } from '../../testing/clinic.ts';
import { eventually } from '../../testing/eventually.ts';
import { connectAsOwner, createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { type ScriptedDoctor, startScriptedDoctor } from '../../testing/scripted-doctor.ts';
import { startPatient } from '../../testing/services.ts';
import { type DoctorClient, openDoctorClient } from '../doctor-client.ts';
import { createSettler, type Settler } from './settler.ts';

jest.setTimeout(30_000);

let database: TestDatabase;
/** As the owner, to look behind the stores. */
let db: pg.Client;
let doctor: ScriptedDoctor;
const stops: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  database = await createDatabase('patient');
  db = await connectAsOwner(database);
  doctor = await startScriptedDoctor();
});
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
  await doctor.stop();
  await db.end();
  await database.drop();
});

function openDoctors(): Pick<DoctorClient, 'ask'> {
  const doctors = openDoctorClient({
    url: doctor.url,
    onAnswer: () => undefined,
    onUnexpected: () => undefined,
  });
  stops.push(doctors.close);
  return doctors;
}

/** The settler of a replica, with connections of its own. */
function startSettler(doctors = openDoctors()): Settler {
  const pool = openDatabase({
    url: database.url,
    poolMax: 10,
    constraints: {},
    onIdleError: () => undefined,
  });
  stops.push(pool.close);
  const log = createLog('patient', 'silent');
  const settler = createSettler({ db: pool, doctors, log, onBacklog: () => undefined });
  stops.push(settler.stop);
  settler.start();
  return settler;
}

async function statuses(): Promise<Record<string, number>> {
  const { rows } = await db.query<{ status: string; count: number }>(
    'select status, count(*)::integer from appointments group by status',
  );
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}

const untilBooked = (count: number, timeoutMs?: number) =>
  eventually(async () => expect(await statuses()).toEqual({ booked: count }), timeoutMs);

const untilAsked = (count: number) =>
  eventually(async () => expect(doctor.asked.length).toBeGreaterThanOrEqual(count));

/** Nobody answers; tells how many questions were open at once since it was asked last. */
function scriptAbsence(): { mostAtOnce: () => number } {
  let open = 0;
  let most = 0;
  doctor.script(() => {
    open += 1;
    most = Math.max(most, open);
    const ends = () => {
      open -= 1;
    };
    return { before: sleep(20).then(ends), instead: 'cut' };
  });
  return {
    mostAtOnce: () => {
      const told = most;
      most = open;
      return told;
    },
  };
}

describe('settlers', () => {
  test('two of them ask about each wish once', async () => {
    // Tried before, so that none of them comes to be due again while they work.
    const ids = await seedWaiting({ db }, 400, { tries: 9 });
    const asked: string[] = [];
    const ask: DoctorClient['ask'] = async ({ appointmentId }) => {
      asked.push(appointmentId);
      return { kind: 'granted' };
    };
    startSettler({ ask });
    startSettler({ ask });
    await untilBooked(400);
    expect(asked.sort()).toEqual(ids.sort());
  });

  test('claim only what they can ask about before it is due again', async () => {
    await seedWaiting({ db }, 128);
    doctor.script(() => ({ before: sleep(500) }));
    startSettler();
    await untilAsked(16);
    const claimed = async () => (await db.query('select from appointments where tries > 0')).rowCount;
    expect(await claimed()).toBe(32);
    await untilAsked(32);
    expect(await claimed()).toBeLessThanOrEqual(48);
  });

  test('let no slow answer hold up the rest', async () => {
    const [slow, ...rest] = await seedWaiting({ db }, 200, { tries: 9 });
    let answered = false;
    const answersSlowly = sleep(900).then(() => {
      answered = true;
    });
    doctor.script(({ appointmentId }) => (appointmentId === slow ? { before: answersSlowly } : undefined));
    startSettler();
    await eventually(async () => expect(await statuses()).toMatchObject({ booked: rest.length }));
    expect(answered).toBe(false);
    await untilBooked(200);
  });

  test('ask about one appointment at a time while nobody answers', async () => {
    const { mostAtOnce } = scriptAbsence();
    await seedWaiting({ db }, 100, { tries: 9 });
    startSettler();
    await untilAsked(1);
    // Those that were asked about at once before the first was known to get no answer, and a probe or two since.
    await sleep(500);
    await eventually(async () => expect(mostAtOnce()).toBeLessThanOrEqual(1));
    expect(doctor.asked.length).toBeLessThanOrEqual(16 + 4);
    await db.query('update appointments set next_try_at = now()');
    const asked = doctor.asked.length;
    const started = performance.now();
    await untilAsked(asked + 5);
    expect(performance.now() - started).toBeGreaterThan(4 * 200);
    expect(mostAtOnce()).toBe(1);
    expect(await statuses()).toEqual({ pending: 100 });
  });

  test('make everything due with the first answer', async () => {
    scriptAbsence();
    await seedWaiting({ db }, 1);
    startSettler();
    await untilAsked(1);
    await seedWaiting({ db }, 100, { dueInSeconds: 3_600 });
    doctor.script(() => undefined);
    await untilBooked(101);
  });

  test('go on with the rest when one question gets an answer that means nothing', async () => {
    const [first, ...rest] = await seedWaiting({ db }, 50);
    doctor.script(({ appointmentId }) =>
      appointmentId === first ? { instead: { status: 500, body: 'oops' } } : undefined,
    );
    startSettler();
    await eventually(async () => expect(await statuses()).toEqual({ booked: rest.length, pending: 1 }));
    doctor.script(() => undefined);
    await untilBooked(50);
  });

  test('ask no more when they are contradicted', async () => {
    await seedWaiting({ db }, 1);
    doctor.script(() => ({ instead: 'revision-mismatch' }));
    startSettler();
    await eventually(async () => {
      const { rows } = await db.query('select contradiction from appointments');
      expect(rows).toEqual([{ contradiction: 'revision-mismatch' }]);
    });
    await db.query('update appointments set next_try_at = now()');
    const [next] = await seedWaiting({ db }, 1);
    doctor.script(() => undefined);
    await eventually(async () => expect(doctor.decisionOf(next ?? '', 1)).toBeDefined());
    expect(doctor.asked).toHaveLength(2);
  });

  test('give up no booking, however long it has waited', async () => {
    scriptAbsence();
    await seedWaiting({ db }, 1);
    await db.query(`update appointments set created_at = created_at - interval '60 days'`);
    startSettler();
    await untilAsked(2);
    expect(await statuses()).toEqual({ pending: 1 });
    doctor.script(() => undefined);
    await untilBooked(1);
  });

  test('stop when the tries under way have ended', async () => {
    await seedWaiting({ db }, 40, { tries: 9 });
    doctor.script(() => ({ before: sleep(200) }));
    const settler = startSettler();
    await untilAsked(16);
    await settler.stop();
    expect(doctor.asked).toHaveLength(16);
    expect(await statuses()).toMatchObject({ booked: 16 });
  });

  test('settle 1,000 waiting bookings within 10 s of the doctor service’s return', async () => {
    scriptAbsence();
    await seedWaiting({ db }, 1_000, { tries: 9 });
    startSettler();
    await untilAsked(1);
    await db.query(`update appointments set next_try_at = now() + random() * interval '5 seconds'`);
    doctor.script(() => undefined);
    await untilBooked(1_000, 10_000);
  });
});

describe('a booking that nobody confirmed before it was to start', () => {
  const pass = () =>
    db.query(
      `update appointments set starts_at = starts_at - interval '30 days', ends_at = ends_at - interval '30 days'`,
    );

  test('is cancelled while nobody answers, and released when somebody does', async () => {
    const { mostAtOnce } = scriptAbsence();
    const [id = ''] = await seedWaiting({ db }, 1);
    startSettler();
    await untilAsked(1);
    await pass();
    await eventually(async () => expect(await statuses()).toEqual({ cancelled: 1 }));
    mostAtOnce();
    const { rows } = await db.query('select cancellation, revision, answered_revision from appointments');
    expect(rows).toEqual([
      {
        cancellation: { code: 'not-confirmed-in-time', by: 'organisation', at: expect.any(String) },
        revision: 2,
        answered_revision: 0,
      },
    ]);
    doctor.script(() => undefined);
    await eventually(async () => expect(doctor.decisionOf(id, 2)).toMatchObject({ state: 'released' }));
  });

  test('is left to the request that makes it: the doctor service says too-soon, not we', async () => {
    const service = await startPatient({ doctorUrl: doctor.url, database });
    stops.push(service.stop);
    // Longer than the settler takes to look again.
    doctor.script(() => ({ before: sleep(600), refuse: 'too-soon' }));
    const startsAt = at(-1);
    const body = { patientId: await seedPatient({ db }), doctorId: uuidv7(), startsAt, durationMinutes: 30 };
    const answer = await service.api.post('/appointments').send(body);
    expect({ status: answer.status, type: answer.body.type }).toEqual({
      status: 409,
      type: 'urn:problem-type:too-soon',
    });
    expect(await statuses()).toEqual({ rejected: 1 });
  });
});
