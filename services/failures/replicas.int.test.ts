import { jest } from '@jest/globals';
import { halfHour } from '../testing/clinic.ts';
import { eventually } from '../testing/eventually.ts';
import { openTwoSides, type Pair, type PatientReplica, type TwoSides } from '../testing/two-sides.ts';

// The failure table, row by row: what dies, and what is true in the end. Of replicas that settle for each other.

jest.setTimeout(30_000);

let sides: TwoSides;
let pair: Pair;
const time = halfHour(20);
const newTime = halfHour(21);

beforeAll(async () => {
  sides = await openTwoSides();
});
beforeEach(async () => {
  await sides.startDoctor();
  pair = await sides.seedPair();
});
afterEach(async () => {
  expect(await sides.whatIsBroken()).toEqual([]);
  await sides.stopReplicas();
});
afterAll(async () => {
  expect(await sides.close()).toBe(0);
});

/** Bookings of one doctor by different patients, that wait because the doctor service cannot be reached. */
async function waitingBookings(
  patient: PatientReplica,
  count: number,
): Promise<{ patientId: string; id: string }[]> {
  await patient.toDoctor.refuse();
  const waiting = [];
  for (let index = 0; index < count; index += 1) {
    const { patientId } = await sides.seedPair();
    const told = await sides.book(patient, { ...pair, patientId }, halfHour(index));
    expect(told).toMatchObject({ status: 202, body: { status: 'pending', settled: false } });
    waiting.push({ patientId, id: String(told.body.id) });
  }
  return waiting;
}

const eventuallyAllBooked = (waiting: readonly { patientId: string }[]) =>
  eventually(async () => {
    for (const { patientId } of waiting)
      expect(await sides.bookingsOf(patientId)).toMatchObject([
        { status: 'booked', reservations: ['1 active'] },
      ]);
  });

const read = ({ url }: PatientReplica, id: unknown) => sides.client.get(url, `/appointments/${id}`);

test('row 14: two settlers ask about one row → the same answer, recorded once', async () => {
  const late = await sides.startPatient();
  const [booking] = await waitingBookings(late, 1);
  await late.toDoctor.pass();
  const put = late.toDoctor.hold(/^PUT/, 'asked');
  await sides.hurry();
  const question = await put;
  const other = await sides.startPatient();
  await sides.hurry();
  await eventuallyAllBooked([booking ?? pair]);
  const settled = await read(other, booking?.id);
  expect(settled.body).toMatchObject({ status: 'booked', version: 2 });

  question.release();
  await eventually(async () => expect(late.toDoctor.answers(booking?.id ?? '')).toContain('200'));
  expect((await read(other, booking?.id)).text).toBe(settled.text);
});

test('row 14: two settlers share what waits → every row decided once, and none waits for a row that is locked', async () => {
  const patient = await sides.startPatient();
  const other = await sides.startPatient();
  const [locked, ...waiting] = await waitingBookings(patient, 30);
  const { db } = sides.patient;
  await db.query('begin');
  await db.query('select from appointments where id = $1 for update', [locked?.id]);
  await Promise.all([patient.toDoctor.pass(), other.toDoctor.pass()]);
  await eventuallyAllBooked(waiting);
  expect(await sides.bookingsOf(locked?.patientId ?? '')).toMatchObject([{ status: 'pending' }]);
  await db.query('commit');

  await eventuallyAllBooked([locked ?? pair]);
  for (const { id } of [locked ?? pair, ...waiting] as { id: string }[]) {
    const answers = [...patient.toDoctor.answers(id), ...other.toDoctor.answers(id)].sort();
    expect(answers.filter((answer) => answer === '201')).toHaveLength(1);
  }
});

test('row 15: a settler is killed with rows in its hands → settled by its replacement when their next try is due', async () => {
  const patient = await sides.startPatient();
  const waiting = await waitingBookings(patient, 3);
  await sides.stopReplicas();
  await sides.startDoctor();
  const victim = await sides.startPatientProcess();
  const puts = waiting.map(() => victim.toDoctor.hold(/^PUT/, 'asked'));
  await sides.hurry();
  await Promise.all(puts);
  await victim.kill();
  await victim.toDoctor.pass();
  for (const { patientId } of waiting)
    expect(await sides.bookingsOf(patientId)).toMatchObject([{ status: 'pending', reservations: [] }]);

  await sides.startPatientProcess();
  await eventuallyAllBooked(waiting);
});

test('row 18: the doctor service is away until the start has passed → cancelled, and free when it is back; the others booked', async () => {
  const patient = await sides.startPatient();
  const late = await sides.seedPair();
  const answer = patient.toDoctor.hold(/^PUT/, 'answered');
  const first = sides.book(patient, late, time);
  const granted = await answer;
  await patient.toDoctor.refuse();
  granted.lose();
  expect((await first).status).toBe(202);
  const [never, future] = await waitingBookings(patient, 2);
  const [lateBooking] = await sides.bookingsOf(late.patientId);
  const passed = [lateBooking?.id, never?.id];
  for (const [table, column] of [
    ['appointments', 'id'],
    ['appointment_revisions', 'appointment_id'],
  ]) {
    await sides.patient.db.query(
      `update ${table} set starts_at = now() - interval '2 minutes', ends_at = now() + interval '28 minutes' where ${column} = any($1)`,
      [passed],
    );
  }
  await eventually(async () => {
    for (const id of passed) {
      expect((await read(patient, id)).body).toMatchObject({
        status: 'cancelled',
        settled: false,
        cancellation: { code: 'not-confirmed-in-time', by: 'organisation' },
      });
    }
  });
  expect(await sides.bookingsOf(late.patientId)).toMatchObject([{ reservations: ['1 active'] }]);

  await patient.toDoctor.pass();
  await eventuallyAllBooked([future ?? pair]);
  await eventually(async () => {
    expect(await sides.bookingsOf(late.patientId)).toMatchObject([
      { isSettled: true, reservations: ['1 released', '2 released'] },
    ]);
    expect(await sides.bookingsOf(never?.patientId ?? '')).toMatchObject([
      { isSettled: true, reservations: ['2 released'] },
    ]);
  });
});

test('row 19: a replica stands still, and comes back with old answers → no change', async () => {
  const paused = await sides.startPatientProcess();
  const other = await sides.seedPair();
  const record = paused.toDatabase.hold('appointments.record_granted', 'asked');
  const recorded = sides.book(paused, pair, time);
  const oldRecord = await record;
  const answer = paused.toDoctor.hold(/^PUT/, 'answered');
  const answered = sides.book(paused, other, time);
  const oldAnswer = await answer;
  paused.pause();

  const patient = await sides.startPatient();
  await sides.hurry();
  await eventuallyAllBooked([pair, other]);
  const ids = (await Promise.all([pair, other].map(({ patientId }) => sides.bookingsOf(patientId)))).flat();
  for (const { id } of ids) {
    const { startsAt } = newTime;
    const moved = await sides.client.post(patient.url, `/appointments/${id}/reschedule`, { startsAt });
    expect(moved).toMatchObject({ status: 200, body: { startsAt, revision: 2, settled: true } });
  }
  const before = await Promise.all(ids.map(({ id }) => read(patient, id)));

  oldRecord.release();
  oldAnswer.release();
  paused.resume();
  const told = await Promise.all([recorded, answered]);
  expect(told).toMatchObject([
    { status: 201, body: { startsAt: newTime.startsAt } },
    { status: 201, body: { startsAt: newTime.startsAt } },
  ]);
  const after = await Promise.all(ids.map(({ id }) => read(patient, id)));
  expect(after.map(({ text }) => text)).toEqual(before.map(({ text }) => text));
});
