import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { halfHour } from '../testing/clinic.ts';
import { eventually } from '../testing/eventually.ts';
import { openTwoSides, type Pair, type PatientReplica, type TwoSides } from '../testing/two-sides.ts';

// The failure table, row by row: what dies, and what is true in the end. Of a booking.

jest.setTimeout(30_000);

let sides: TwoSides;
let patient: PatientReplica;
let pair: Pair;
let key: string;
const time = halfHour(20);

beforeAll(async () => {
  sides = await openTwoSides();
  await sides.startDoctor();
  patient = await sides.startPatientProcess();
});
beforeEach(async () => {
  pair = await sides.seedPair();
  key = randomUUID();
});
afterEach(async () => {
  expect(await sides.whatIsBroken()).toEqual([]);
});
afterAll(async () => {
  expect(await sides.close()).toBe(0);
});

const book = (to: { url: string } = patient, who = pair, withKey = key) => sides.book(to, who, time, withKey);

/** A doctor who does not work any more: whoever asks now is refused. */
const endSchedule = ({ doctorId }: Pair) =>
  sides.doctor.db.query('delete from schedules where doctor_id = $1', [doctorId]);

const IN_PROGRESS = { status: 409, problem: 'request-in-progress', retryAfter: '1' };
const AWAY = { status: 503, problem: 'unavailable', retryAfter: '1' };

/** What the key is answered once its revision is settled. */
const answerOfKey = (who = pair, withKey = key) =>
  eventually(async () => {
    const told = await book(patient, who, withKey);
    expect(told.problem).not.toBe('request-in-progress');
    return told;
  });

test('row 1: the database loses the connection before the appointment’s commit → one appointment by the same key', async () => {
  const commit = patient.toDatabase.hold('commit', 'asked');
  const first = book();
  (await commit).lose();
  expect(await first).toMatchObject(AWAY);
  expect(await sides.bookingsOf(pair.patientId)).toEqual([]);

  const again = await answerOfKey();
  expect(again.status).toBe(201);
  expect(await sides.bookingsOf(pair.patientId)).toMatchObject([
    { id: again.body.id, reservations: ['1 active'] },
  ]);
});

test('row 1: the process is killed before the appointment’s commit → one appointment by the same key, from another replica', async () => {
  const victim = await sides.startPatientProcess();
  const commit = victim.toDatabase.hold('commit', 'asked');
  const first = book(victim);
  const held = await commit;
  await victim.kill();
  held.lose();
  expect((await first).status).toBe('lost');

  // The dead process’s transaction holds the key until the database notices that its client is gone.
  const again = await answerOfKey();
  expect(again.status).toBe(201);
  expect(await sides.bookingsOf(pair.patientId)).toMatchObject([
    { id: again.body.id, reservations: ['1 active'] },
  ]);
});

test('row 2: the acknowledgement of that commit is lost → one appointment, which the same key finds', async () => {
  await patient.toDoctor.refuse();
  const commit = patient.toDatabase.hold('commit', 'answered');
  const first = book();
  (await commit).lose();
  expect(await first).toMatchObject(AWAY);
  const [pending] = await sides.bookingsOf(pair.patientId);
  expect(pending).toMatchObject({ status: 'pending', isSettled: false, reservations: [] });
  expect(await book()).toMatchObject(IN_PROGRESS);

  await patient.toDoctor.pass();
  await sides.hurry();
  expect(await answerOfKey()).toMatchObject({ status: 201, body: { id: pending?.id, status: 'booked' } });
  expect(await sides.bookingsOf(pair.patientId)).toMatchObject([{ reservations: ['1 active'] }]);
});

test('row 2: the same, and the key comes back after its lease, still unanswered → 202 for ever, and booked', async () => {
  await patient.toDoctor.refuse();
  const commit = patient.toDatabase.hold('commit', 'answered');
  const first = book();
  (await commit).lose();
  expect(await first).toMatchObject(AWAY);
  expect(await book()).toMatchObject(IN_PROGRESS);
  await sides.endLease();
  const pending = await book();
  expect(pending).toMatchObject({
    status: 202,
    retryAfter: '1',
    body: { status: 'pending', settled: false },
  });

  await patient.toDoctor.pass();
  await sides.hurry();
  await eventually(async () =>
    expect(await sides.bookingsOf(pair.patientId)).toMatchObject([{ id: pending.body.id, status: 'booked' }]),
  );
  expect((await book()).text).toBe(pending.text);
});

test('row 2: the same without a key, where the insert commits itself → 503, and one appointment that completes', async () => {
  const insert = patient.toDatabase.hold('appointments.insert_pending', 'answered');
  const first = sides.book(patient, pair, time);
  (await insert).lose();
  expect(await first).toMatchObject(AWAY);
  expect(await sides.book(patient, pair, time)).toMatchObject({ status: 409, problem: 'patient-busy' });

  await sides.hurry();
  await eventually(async () =>
    expect(await sides.bookingsOf(pair.patientId)).toMatchObject([
      { status: 'booked', reservations: ['1 active'] },
    ]),
  );
});

test('row 3: the process is killed after the commit, before the PUT → booked or rejected by another replica', async () => {
  const victim = await sides.startPatientProcess();
  await patient.toDoctor.refuse();
  const other = await sides.seedPair();
  const otherKey = randomUUID();
  const puts = [victim.toDoctor.hold(/^PUT/, 'asked'), victim.toDoctor.hold(/^PUT/, 'asked')];
  const first = [book(victim), book(victim, other, otherKey)];
  const held = await Promise.all(puts);
  await victim.kill();
  for (const put of held) put.lose();
  expect((await Promise.all(first)).map(({ status }) => status)).toEqual(['lost', 'lost']);
  expect(await sides.bookingsOf(pair.patientId)).toMatchObject([{ status: 'pending', reservations: [] }]);
  await endSchedule(other);
  expect([await book(), await book(patient, other, otherKey)]).toMatchObject([IN_PROGRESS, IN_PROGRESS]);

  await patient.toDoctor.pass();
  await sides.hurry();
  expect(await answerOfKey()).toMatchObject({ status: 201, body: { status: 'booked' } });
  const refused = await answerOfKey(other, otherKey);
  expect(refused).toMatchObject({ status: 409, problem: 'outside-working-hours' });
  expect(await sides.bookingsOf(other.patientId)).toMatchObject([
    { id: refused.body.appointmentId, status: 'rejected', reservations: ['1 refused outside-working-hours'] },
  ]);
});

test('row 4: the doctor service is killed before its commit → booked or rejected by its replacement', async () => {
  const victim = await sides.startDoctorProcess();
  const other = await sides.seedPair();
  const otherKey = randomUUID();
  const commits = [victim.toDatabase.hold('commit', 'asked'), victim.toDatabase.hold('commit', 'asked')];
  const first = [book(), book(patient, other, otherKey)];
  const held = await Promise.all(commits);
  await victim.kill();
  for (const commit of held) commit.lose();
  for (const told of await Promise.all(first)) {
    expect(told).toMatchObject({ status: 202, body: { status: 'pending' } });
    expect(told.tookMs).toBeLessThan(1_500);
  }
  expect(await sides.bookingsOf(pair.patientId)).toMatchObject([{ status: 'pending', reservations: [] }]);

  await endSchedule(other);
  await sides.startDoctor();
  await sides.hurry();
  await eventually(async () => {
    expect(await sides.bookingsOf(pair.patientId)).toMatchObject([{ status: 'booked' }]);
    expect(await sides.bookingsOf(other.patientId)).toMatchObject([{ status: 'rejected' }]);
  });
  expect((await book()).status).toBe(202);
});

test('row 6: decided, and the answer reset, timed out or cut off → booked by the same answer again', async () => {
  const pairs = [pair, await sides.seedPair(), await sides.seedPair()];
  const answers = pairs.map(() => patient.toDoctor.hold(/^PUT/, 'answered'));
  const first = pairs.map((each) => book(patient, each, randomUUID()));
  const [reset, , cut] = await Promise.all(answers);
  patient.toDoctor.silence();
  reset?.lose();
  // The second is never answered.
  cut?.lose(40);
  for (const told of await Promise.all(first)) {
    expect(told).toMatchObject({ status: 202, retryAfter: '1', body: { status: 'pending', settled: false } });
    expect(told.tookMs).toBeLessThan(1_500);
  }
  const unsettled = { status: 'pending', isSettled: false, reservations: ['1 active'] };
  for (const { patientId } of pairs) expect(await sides.bookingsOf(patientId)).toMatchObject([unsettled]);

  await patient.toDoctor.pass();
  await sides.hurry();
  const settled = { status: 'booked', isSettled: true, reservations: ['1 active'] };
  for (const { patientId } of pairs) {
    const [{ id } = { id: '' }] = await sides.bookingsOf(patientId);
    await eventually(async () => expect(await sides.bookingsOf(patientId)).toMatchObject([settled]));
    expect(patient.toDoctor.answers(id)).toEqual(['201', '200']);
  }
});

test('row 7: the process is killed before or while it settles → booked by another replica', async () => {
  const victim = await sides.startPatientProcess();
  await patient.toDoctor.refuse();
  const other = await sides.seedPair();
  const otherKey = randomUUID();
  const before = victim.toDatabase.hold('appointments.record_granted', 'asked');
  const first = [book(victim)];
  const held = [await before];
  const within = victim.toDatabase.hold('appointments.record_granted', 'answered');
  first.push(book(victim, other, otherKey));
  held.push(await within);
  await victim.kill();
  for (const record of held) record.lose();
  expect((await Promise.all(first)).map(({ status }) => status)).toEqual(['lost', 'lost']);
  const unsettled = { status: 'pending', isSettled: false, reservations: ['1 active'] };
  expect(await sides.bookingsOf(pair.patientId)).toMatchObject([unsettled]);
  expect(await sides.bookingsOf(other.patientId)).toMatchObject([unsettled]);

  await patient.toDoctor.pass();
  await sides.hurry();
  expect(await answerOfKey()).toMatchObject({ status: 201, body: { status: 'booked' } });
  expect(await answerOfKey(other, otherKey)).toMatchObject({ status: 201, body: { status: 'booked' } });
});

test('row 8: settled, and the answer to the client lost → the first answer again, to the letter', async () => {
  const front = await sides.proxyToService(patient);
  const answer = front.hold(/^POST/, 'answered');
  const first = book({ url: `http://127.0.0.1:${front.port}` });
  (await answer).lose();
  expect((await first).status).toBe('lost');

  const again = await book();
  expect(again).toMatchObject({ status: 201, body: { status: 'booked', version: 2 } });
  await sides.client.post(patient.url, `/appointments/${again.body.id}/check-in`);
  expect(await book()).toMatchObject({ status: 201, text: again.text });
  expect(await sides.bookingsOf(pair.patientId)).toMatchObject([{ id: again.body.id, status: 'arrived' }]);
});

test('row 9: refused, the refusal lost, then the time becomes free → rejected all the same, and the time is free', async () => {
  const rival = { ...(await sides.seedPair()), doctorId: pair.doctorId };
  const taken = await book(patient, rival, randomUUID());
  const answer = patient.toDoctor.hold(/^PUT/, 'answered');
  const first = book();
  (await answer).lose();
  expect(await first).toMatchObject({ status: 202, body: { status: 'pending' } });
  expect(await sides.bookingsOf(pair.patientId)).toMatchObject([{ reservations: ['1 refused slot-taken'] }]);
  await sides.client.post(patient.url, `/appointments/${taken.body.id}/cancel`);

  await sides.hurry();
  await eventually(async () =>
    expect(await sides.bookingsOf(pair.patientId)).toMatchObject([
      { status: 'rejected', isSettled: true, reservations: ['1 refused slot-taken'] },
    ]),
  );
  expect((await book()).status).toBe(202);
  expect((await book(patient, pair, randomUUID())).status).toBe(201);
});
