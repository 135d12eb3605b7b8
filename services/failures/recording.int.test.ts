import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { halfHour } from '../testing/clinic.ts';
import { eventually } from '../testing/eventually.ts';
import { openTwoSides, type Pair, type PatientReplica, type TwoSides } from '../testing/two-sides.ts';

// A change that is stored is never answered 503: the patient's database dies after its commit, and the settler goes on with it.

jest.setTimeout(30_000);

let sides: TwoSides;
let patient: PatientReplica;
let pair: Pair;
const time = halfHour(20);
const newTime = halfHour(30);

beforeAll(async () => {
  sides = await openTwoSides();
  await sides.startDoctor();
  patient = await sides.startPatient();
});
beforeEach(async () => {
  pair = await sides.seedPair();
});
afterEach(async () => {
  expect(await sides.whatIsBroken()).toEqual([]);
});
afterAll(async () => {
  expect(await sides.close()).toBe(0);
});

const book = (key?: string) => sides.book(patient, pair, time, key);
const bookings = () => sides.bookingsOf(pair.patientId);
const post = (id: unknown, action: string, body = {}, key?: string) =>
  sides.client.post(patient.url, `/appointments/${id}/${action}`, body, key);

const PENDING = { status: 202, retryAfter: '1', body: { status: 'pending', settled: false } };
const BOOKED = { status: 'booked', isSettled: true, reservations: ['1 active'] };

/** By the settler, which is not kept waiting. */
const untilBookings = async (expected: object[]) => {
  await sides.hurry();
  await eventually(async () => expect(await bookings()).toMatchObject(expected));
};

/** What a key is answered in the end. */
const answerOfKey = (key: string) =>
  eventually(async () => {
    const told = await book(key);
    expect([201, 202, 409]).toContain(told.status);
    expect(told.problem).not.toBe('request-in-progress');
    return told;
  });

/** Lets the doctor service decide, and loses every connection to the database before its answer arrives. */
async function whileDatabaseLost<Answer>(send: () => Promise<Answer>, phase: 'asked' | 'answered') {
  const question = patient.toDoctor.hold(/^(PUT|DELETE)/, phase);
  const answer = send();
  const held = await question;
  await patient.toDatabase.refuse();
  held.release();
  const told = await answer;
  await patient.toDatabase.pass();
  return told;
}

const withAndWithoutKey = [
  ['without a key', () => undefined],
  ['with a key', randomUUID],
] as const;

describe.each(withAndWithoutKey)('a booking %s', (_how, makeKey) => {
  test('granted, and the connection lost before that is recorded → 202 as it is stored, then booked', async () => {
    const key = makeKey();
    const record = patient.toDatabase.hold('appointments.record_granted', 'asked');
    const first = sides.book(patient, pair, { ...time, reason: 'Check-up' }, key);
    (await record).lose();
    const told = await first;
    expect(told).toMatchObject(PENDING);
    expect(told.tookMs).toBeLessThan(1_500);
    expect(told.body).toEqual((await sides.client.get(patient.url, `/appointments/${told.body.id}`)).body);

    await untilBookings([{ id: told.body.id, ...BOOKED }]);
    if (key === undefined) return;
    const again = await sides.book(patient, pair, { ...time, reason: 'Check-up' }, key);
    expect(again).toMatchObject({ status: 201, body: { id: told.body.id, status: 'booked' } });
  });

  test('granted, and the database away → 202, then booked', async () => {
    const key = makeKey();
    const told = await whileDatabaseLost(() => book(key), 'answered');
    expect(told).toMatchObject(PENDING);
    expect(told.tookMs).toBeLessThan(1_500);

    await untilBookings([{ id: told.body.id, ...BOOKED }]);
    if (key !== undefined)
      expect(await answerOfKey(key)).toMatchObject({ status: 201, body: { id: told.body.id } });
  });

  test('refused, and the database away → 202, then rejected', async () => {
    const key = makeKey();
    await sides.doctor.db.query('delete from schedules where doctor_id = $1', [pair.doctorId]);
    const told = await whileDatabaseLost(() => book(key), 'answered');
    expect(told).toMatchObject(PENDING);

    await untilBookings([
      { id: told.body.id, status: 'rejected', reservations: ['1 refused outside-working-hours'] },
    ]);
    if (key !== undefined)
      expect(await answerOfKey(key)).toMatchObject({
        status: 409,
        problem: 'outside-working-hours',
        body: { appointmentId: told.body.id },
      });
  });

  test('no answer, and the database away too → 202, then booked', async () => {
    const key = makeKey();
    const question = patient.toDoctor.hold(/^PUT/, 'asked');
    const first = book(key);
    const held = await question;
    await patient.toDatabase.refuse();
    held.lose();
    const told = await first;
    await patient.toDatabase.pass();
    expect(told).toMatchObject(PENDING);

    await untilBookings([{ id: told.body.id, ...BOOKED }]);
    if (key !== undefined)
      expect(await answerOfKey(key)).toMatchObject({ status: 201, body: { id: told.body.id } });
  });
});

test('recorded, and its acknowledgement lost → 202 as far as is known, and booked', async () => {
  const record = patient.toDatabase.hold('appointments.record_granted', 'answered');
  const first = book();
  (await record).lose();
  const told = await first;
  expect(told).toMatchObject(PENDING);
  expect(await bookings()).toMatchObject([{ id: told.body.id, ...BOOKED }]);
});

test('recorded with its key, and the acknowledgement of that commit lost → 202, and the key has the 201', async () => {
  const key = randomUUID();
  const answer = patient.toDoctor.hold(/^PUT/, 'answered');
  const first = book(key);
  const granted = await answer;
  const commit = patient.toDatabase.hold('commit', 'answered');
  granted.release();
  (await commit).lose();
  const told = await first;
  expect(told).toMatchObject(PENDING);
  expect(await bookings()).toMatchObject([{ id: told.body.id, ...BOOKED }]);
  expect(await answerOfKey(key)).toMatchObject({ status: 201, body: { id: told.body.id } });
});

test('no answer, and the connection lost after the key has its 202 → 202, and the same for the key for ever', async () => {
  const key = randomUUID();
  await patient.toDoctor.refuse();
  const kept = patient.toDatabase.hold('idempotency.set_answer', 'answered');
  const first = book(key);
  (await kept).lose();
  const told = await first;
  expect(told).toMatchObject(PENDING);
  expect(await answerOfKey(key)).toMatchObject({ status: 202, text: told.text });

  await patient.toDoctor.pass();
  await untilBookings([{ id: told.body.id, ...BOOKED }]);
  expect(await answerOfKey(key)).toMatchObject({ status: 202, text: told.text });
});

test.each(withAndWithoutKey)(
  'a reschedule %s, granted, and the database away → 202 with the wished-for time, then moved',
  async (_how, makeKey) => {
    const { body } = await book();
    const key = makeKey();
    const told = await whileDatabaseLost(
      () => post(body.id, 'reschedule', { startsAt: newTime.startsAt }, key),
      'answered',
    );
    expect(told).toMatchObject({
      status: 202,
      retryAfter: '1',
      body: { ...time, status: 'booked', revision: 2, settled: false, requested: newTime },
    });

    const moved = { startsAt: newTime.startsAt, revision: 2, isSettled: true };
    await untilBookings([{ id: body.id, ...moved, reservations: ['1 released', '2 active'] }]);
    if (key !== undefined)
      expect(await post(body.id, 'reschedule', { startsAt: newTime.startsAt }, key)).toMatchObject({
        status: 200,
        body: { startsAt: newTime.startsAt },
      });
  },
);

test.each(withAndWithoutKey)(
  'a cancellation %s, and the database away → 200 cancelled, then released',
  async (_how, makeKey) => {
    const { body } = await book();
    const key = makeKey();
    const told = await whileDatabaseLost(() => post(body.id, 'cancel', {}, key), 'answered');
    expect(told).toMatchObject({ status: 200, body: { status: 'cancelled', settled: false } });

    await untilBookings([
      { status: 'cancelled', isSettled: true, reservations: ['1 released', '2 released'] },
    ]);
    if (key !== undefined)
      expect(await post(body.id, 'cancel', {}, key)).toMatchObject({
        status: 200,
        body: { status: 'cancelled' },
      });
  },
);
