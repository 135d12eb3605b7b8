import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { halfHour } from '../testing/clinic.ts';
import { eventually } from '../testing/eventually.ts';
import {
  type DoctorReplica,
  openTwoSides,
  type Pair,
  type PatientReplica,
  type TwoSides,
} from '../testing/two-sides.ts';

// The failure table, row by row: what dies, and what is true in the end. Of cancelling and rescheduling.

jest.setTimeout(30_000);

let sides: TwoSides;
let doctor: DoctorReplica;
let patient: PatientReplica;
let pair: Pair;
const time = halfHour(20);
const newTime = halfHour(21);

beforeAll(async () => {
  sides = await openTwoSides();
  doctor = await sides.startDoctor();
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

const post = (id: unknown, action: string, body = {}, key?: string) =>
  sides.client.post(patient.url, `/appointments/${id}/${action}`, body, key);
const cancel = (id: unknown) => post(id, 'cancel');
const reschedule = (id: unknown, key?: string, to = newTime) =>
  post(id, 'reschedule', { startsAt: to.startsAt }, key);

const bookings = () => sides.bookingsOf(pair.patientId);
const onlyBooking = async () => {
  const [booking, ...more] = await bookings();
  if (booking === undefined || more.length > 0) throw new Error(`${more.length} bookings more than one`);
  return booking;
};
const eventuallyBookings = (expected: object[]) =>
  eventually(async () => expect(await bookings()).toMatchObject(expected));

async function bookedId(who = pair): Promise<unknown> {
  const { status, body } = await sides.book(patient, who, time);
  expect(status).toBe(201);
  return body.id;
}

/** Somebody else takes a time of the same doctor. */
async function takeTime(taken: object): Promise<unknown> {
  const { patientId } = await sides.seedPair();
  const { status, body } = await sides.book(patient, { ...pair, patientId }, taken);
  expect(status).toBe(201);
  return body.id;
}

/** Waits until one transaction waits for another. */
const eventuallyLocked = ({ db }: TwoSides['patient']) =>
  eventually(async () => {
    const { rowCount } = await db.query(
      // A transaction's lock belongs to no database, so its holder's other locks tell which it is.
      `select from pg_locks waiting join pg_stat_activity using (pid)
        where datname = current_database() and not waiting.granted`,
    );
    expect(rowCount).toBe(1);
  });

test('row 10: a PUT arrives after the cancellation was answered → superseded, and nothing comes back', async () => {
  const put = patient.toDoctor.hold(/^PUT/, 'asked');
  const first = sides.book(patient, pair, time);
  const zombie = await put;
  expect((await first).status).toBe(202);
  const { id } = await onlyBooking();
  expect(await cancel(id)).toMatchObject({ status: 200, body: { status: 'cancelled', settled: true } });
  expect(await bookings()).toMatchObject([{ reservations: ['2 released'] }]);

  zombie.release();
  await eventually(async () => expect(patient.toDoctor.answers(id)).toContain('409 superseded'));
  expect(await bookings()).toMatchObject([{ status: 'cancelled', reservations: ['2 released'] }]);
  await bookedId();
});

test('row 11: cancelled before the PUT ever arrived → a release for an unknown id, which no later PUT passes', async () => {
  const put = patient.toDoctor.hold(/^PUT/, 'asked');
  const first = sides.book(patient, pair, time);
  const zombie = await put;
  expect((await first).status).toBe(202);
  const { id } = await onlyBooking();
  const release = patient.toDoctor.hold(/^DELETE/, 'asked');
  const cancelling = cancel(id);
  (await release).lose();
  expect(await cancelling).toMatchObject({ status: 200, body: { status: 'cancelled', settled: false } });
  // The patient's time is free at once, the doctor's was never taken.
  expect(await bookings()).toMatchObject([{ status: 'cancelled', reservations: [] }]);

  await sides.hurry();
  await eventuallyBookings([{ isSettled: true, reservations: ['2 released'] }]);
  zombie.release();
  await eventually(async () => expect(patient.toDoctor.answers(id)).toContain('409 superseded'));
  expect(await bookings()).toMatchObject([{ status: 'cancelled', reservations: ['2 released'] }]);
  await bookedId();
});

test('row 12: PUT of revision 1 and DELETE of 2 at the same moment, PUT first → released', async () => {
  const commit = doctor.toDatabase.hold('commit', 'asked');
  const first = sides.book(patient, pair, time);
  const put = await commit;
  const { id } = await onlyBooking();
  const cancelling = cancel(id);
  await eventuallyLocked(sides.doctor);
  put.release();

  expect(await cancelling).toMatchObject({ status: 200, body: { status: 'cancelled' } });
  expect((await first).status).toBe(202);
  await eventuallyBookings([{ isSettled: true, reservations: ['1 released', '2 released'] }]);
});

test('row 12: PUT of revision 1 and DELETE of 2 at the same moment, DELETE first → released', async () => {
  const put = patient.toDoctor.hold(/^PUT/, 'asked');
  const first = sides.book(patient, pair, time);
  const question = await put;
  const { id } = await onlyBooking();
  const commit = doctor.toDatabase.hold('commit', 'asked');
  const cancelling = cancel(id);
  const release = await commit;
  question.release();
  await eventuallyLocked(sides.doctor);
  release.release();

  expect(await cancelling).toMatchObject({ status: 200, body: { status: 'cancelled' } });
  expect((await first).status).toBe(202);
  await eventuallyBookings([{ isSettled: true, reservations: ['2 released'] }]);
});

test('row 13: cancelled while the answer is about to be recorded → cancelled and released', async () => {
  const record = patient.toDatabase.hold('appointments.record_granted', 'asked');
  const first = sides.book(patient, pair, time);
  const late = await record;
  const { id } = await onlyBooking();
  expect(await cancel(id)).toMatchObject({ status: 200, body: { status: 'cancelled', settled: true } });
  const before = await sides.client.get(patient.url, `/appointments/${id}`);

  late.release();
  expect(await first).toMatchObject({ status: 202, body: { status: 'cancelled' } });
  expect((await sides.client.get(patient.url, `/appointments/${id}`)).text).toBe(before.text);
  expect(await bookings()).toMatchObject([
    { status: 'cancelled', reservations: ['1 released', '2 released'] },
  ]);
});

test('row 13: the answer is recorded while the cancellation is about to commit → cancelled and released', async () => {
  const record = patient.toDatabase.hold('appointments.record_granted', 'asked');
  const first = sides.book(patient, pair, time);
  const late = await record;
  const { id } = await onlyBooking();
  const commit = patient.toDatabase.hold('commit', 'asked');
  const cancelling = cancel(id);
  const cancellation = await commit;
  late.release();
  await eventuallyLocked(sides.patient);
  cancellation.release();

  expect(await cancelling).toMatchObject({ status: 200, body: { status: 'cancelled' } });
  expect(await first).toMatchObject({ status: 202, body: { status: 'cancelled' } });
  await eventuallyBookings([{ isSettled: true, reservations: ['1 released', '2 released'] }]);
});

test('row 16: a reschedule is granted and the answer lost → the new time, by the same answer again', async () => {
  const id = await bookedId();
  const key = randomUUID();
  const answer = patient.toDoctor.hold(/^PUT/, 'answered');
  const first = reschedule(id, key);
  const granted = await answer;
  patient.toDoctor.silence();
  granted.lose();
  const told = await first;
  expect(told).toMatchObject({
    status: 202,
    body: { status: 'booked', startsAt: time.startsAt, requested: { startsAt: newTime.startsAt } },
  });
  const both = ['1 released', '2 active'];
  expect(await bookings()).toMatchObject([{ startsAt: time.startsAt, isSettled: false, reservations: both }]);

  await patient.toDoctor.pass();
  await sides.hurry();
  await eventuallyBookings([{ startsAt: newTime.startsAt, isSettled: true, reservations: both }]);
  expect((await reschedule(id, key)).text).toBe(told.text);
  await takeTime(time);
});

test('row 16: the same, and the process is killed → the key tells of its own revision, whatever was asked later', async () => {
  const id = await bookedId();
  const key = randomUUID();
  const victim = await sides.startPatientProcess();
  const record = victim.toDatabase.hold('appointments.record_granted', 'asked');
  const first = sides.client.post(
    victim.url,
    `/appointments/${id}/reschedule`,
    { startsAt: newTime.startsAt },
    key,
  );
  const held = await record;
  await victim.kill();
  held.lose();
  expect((await first).status).toBe('lost');
  await sides.hurry();
  await eventuallyBookings([{ startsAt: newTime.startsAt, isSettled: true }]);
  await takeTime(halfHour(22));
  expect(await reschedule(id, undefined, halfHour(22))).toMatchObject({ status: 409, problem: 'slot-taken' });

  const granted = { revision: 2, outcome: 'granted' };
  expect(await reschedule(id, key)).toMatchObject({
    status: 200,
    body: { startsAt: newTime.startsAt, lastChange: granted },
  });
  expect(await bookings()).toMatchObject([
    { revision: 3, reservations: ['1 released', '2 active', '3 refused slot-taken'] },
  ]);
});

test('row 16a: a second reschedule while the first is unanswered → change-in-progress; a cancellation holds at once', async () => {
  const id = await bookedId();
  await patient.toDoctor.refuse();
  expect((await reschedule(id)).status).toBe(202);
  const inProgress = { status: 409, problem: 'change-in-progress', retryAfter: '1' };
  expect(await reschedule(id, undefined, halfHour(22))).toMatchObject(inProgress);
  expect(await post(id, 'check-in')).toMatchObject(inProgress);
  // Both times are the patient's until the answer comes.
  expect(await sides.book(patient, pair, newTime)).toMatchObject({ status: 409, problem: 'patient-busy' });
  expect(await cancel(id)).toMatchObject({
    status: 200,
    body: { status: 'cancelled', settled: false, revision: 3 },
  });

  await patient.toDoctor.pass();
  await sides.hurry();
  await eventuallyBookings([
    { status: 'cancelled', isSettled: true, reservations: ['1 released', '3 released'] },
  ]);
  expect((await sides.book(patient, pair, time)).status).toBe(201);
  expect((await sides.book(patient, pair, newTime)).status).toBe(201);
});

test('row 17: a reschedule is refused, and the refusal lost → the old time, still reserved', async () => {
  const id = await bookedId();
  const rival = await takeTime(newTime);
  const answer = patient.toDoctor.hold(/^PUT/, 'answered');
  const first = reschedule(id);
  const refused = await answer;
  patient.toDoctor.silence();
  refused.lose();
  expect(await first).toMatchObject({ status: 202, body: { startsAt: time.startsAt } });
  await patient.toDoctor.pass();
  await cancel(rival);

  await sides.hurry();
  const reservations = ['1 active', '2 refused slot-taken'];
  await eventuallyBookings([{ status: 'booked', startsAt: time.startsAt, isSettled: true, reservations }]);
  expect((await sides.client.get(patient.url, `/appointments/${id}`)).body).toMatchObject({
    lastChange: { revision: 2, outcome: 'refused', reason: 'slot-taken' },
  });
  // The wished-for time is nobody's, and the patient may ask for it again.
  expect(await reschedule(id)).toMatchObject({
    status: 200,
    body: { startsAt: newTime.startsAt, revision: 3 },
  });
});
