import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { halfHour, invariantsBroken, seedDoctor, seedPatient, seedPatients } from './testing/clinic.ts';
import { deadlocksIn } from './testing/deadlocks.ts';
import { type Caller, countAnswers, inParallel, openCaller, type Reply, warmUp } from './testing/load.ts';
import { createDatabase, type TestDatabase } from './testing/postgres.ts';
import { eventually, startDoctor, startPatient, type TestService } from './testing/services.ts';

jest.setTimeout(240_000);

const CLIENTS = 64;
/** At least as many as there are clients: this is about the order of decisions, not about overload. */
const settings = { poolMax: CLIENTS };

let databases: { patient: TestDatabase; doctor: TestDatabase };
let patient: TestService;
let doctor: TestService;
let caller: Caller;

beforeAll(async () => {
  databases = { patient: await createDatabase('patient'), doctor: await createDatabase('doctor') };
  doctor = await startDoctor({ database: databases.doctor, settings });
  patient = await startPatient({ database: databases.patient, settings, doctorUrl: doctor.url });
  caller = openCaller(patient.url);
  await warmUp(caller, '/appointments', CLIENTS);
  const toDoctor = openCaller(doctor.url);
  await warmUp(toDoctor, '/reservations', CLIENTS / 2);
  await toDoctor.close();
});
afterEach(async () => {
  await untilQuiet();
  expect(await invariantsBroken(patient, doctor)).toEqual([]);
});
afterAll(async () => {
  await caller.close();
  await patient.stop();
  await doctor.stop();
  const deadlocks = [await deadlocksIn(databases.patient), await deadlocksIn(databases.doctor)];
  await databases.patient.drop();
  await databases.doctor.drop();
  expect(deadlocks).toEqual([0, 0]);
});

const untilQuiet = () =>
  eventually(async () => {
    const { rowCount } = await patient.db.query(
      'select from appointments where answered_revision < revision',
    );
    expect(rowCount).toBe(0);
  });

const post = (path: string, body: object = {}, key?: string, by = caller): Promise<Reply> =>
  by.call('POST', path, body, key === undefined ? {} : { 'idempotency-key': key });
const idOf = ({ text }: Reply): string => JSON.parse(text).id;
const read = async (id: string) => JSON.parse((await caller.call('GET', `/appointments/${id}`)).text);

/** Booked appointments of one doctor and patient, four half hours apart. */
async function bookSome(count: number): Promise<string[]> {
  const [patientId, doctorId] = [await seedPatient(patient), await seedDoctor(doctor)];
  const answers = await inParallel(16, Array(count).fill({ patientId, doctorId }), (body, index) =>
    post('/appointments', { ...body, ...halfHour(4 * index) }),
  );
  expect(countAnswers(answers)).toEqual({ 201: count });
  return answers.map(idOf);
}

/** Every second request has a key: with and without one it takes other paths. */
const maybeKey = (index: number) => (index % 2 === 0 ? undefined : randomUUID());

describe('POST /appointments', () => {
  test('64 clients on one slot, 200 slots: each slot is booked once, and all others are told slot-taken', async () => {
    const [patientIds, doctorId] = [await seedPatients(patient, CLIENTS), await seedDoctor(doctor)];
    const bookings = Array.from({ length: 200 }, (_, slot) =>
      patientIds.map((patientId) => ({ patientId, doctorId, ...halfHour(slot) })),
    ).flat();
    const answers = await inParallel(CLIENTS, bookings, (booking) => post('/appointments', booking));
    expect(countAnswers(answers)).toEqual({ 201: 200, '409 slot-taken': 200 * (CLIENTS - 1) });
    const booked = bookings.filter((_, index) => answers[index]?.status === 201);
    expect(new Set(booked.map(({ startsAt }) => startsAt)).size).toBe(200);
  });

  test('one patient with 32 doctors at the same time: one is booked, and all others are told patient-busy', async () => {
    const patientId = await seedPatient(patient);
    const doctorIds: string[] = [];
    for (let count = 0; count < 32; count += 1) doctorIds.push(await seedDoctor(doctor));
    for (let slot = 0; slot < 5; slot += 1) {
      const answers = await inParallel(32, doctorIds, (doctorId, index) =>
        post('/appointments', { patientId, doctorId, ...halfHour(slot) }, maybeKey(index)),
      );
      expect(countAnswers(answers)).toEqual({ 201: 1, '409 patient-busy': 31 });
    }
  });

  test('one key sent several times at once makes one appointment, and gets the first answer from then on', async () => {
    const [patientIds, doctorId] = [await seedPatients(patient, 2), await seedDoctor(doctor)];
    const requests = Array.from({ length: 100 }, (_, index) => ({
      key: randomUUID(),
      times: 1 + (index % 5),
      // Two patients want each slot, so that a refusal is a first answer too.
      body: { patientId: patientIds[index % 2], doctorId, ...halfHour(index >> 1) },
    }));
    const wrong = await inParallel(12, requests, async ({ key, times, body }) => {
      const atOnce = await inParallel(times, Array(times).fill(key), () => post('/appointments', body, key));
      const later = await post('/appointments', body, key);
      const isFirst = ({ status, text, headers: { etag, location } }: Reply) =>
        status === later.status &&
        text === later.text &&
        etag === later.headers.etag &&
        location === later.headers.location;
      const fits = atOnce.every((answer) => isFirst(answer) || answer.problem === 'request-in-progress');
      const isDecided = later.status === 201 || later.problem === 'slot-taken';
      return fits && isDecided && atOnce.some(isFirst) ? [] : [countAnswers([...atOnce, later])];
    });
    expect(wrong.flat()).toEqual([]);
    const { rows } = await patient.db.query(
      'select status, count(*)::integer from appointments where doctor_id = $1 group by status order by status',
      [doctorId],
    );
    expect(rows).toEqual([
      { status: 'booked', count: 50 },
      { status: 'rejected', count: 50 },
    ]);
  });
});

describe('two changes of one appointment at the same moment', () => {
  test('reschedule against reschedule: one waits for the other or is told change-in-progress', async () => {
    const ids = await bookSome(40);
    const answers = await inParallel(8, ids, (id, index) =>
      Promise.all(
        [1, 2].map((later) => {
          const { startsAt } = halfHour(4 * index + later);
          return post(`/appointments/${id}/reschedule`, { startsAt }, maybeKey(index));
        }),
      ),
    );
    for (const [index, id] of ids.entries()) {
      const both = answers[index] ?? [];
      const granted = both.filter(({ status }) => status === 200).map(({ text }) => JSON.parse(text));
      const refused = both.filter(({ status }) => status !== 200).map(({ problem }) => problem);
      expect(granted.length).toBeGreaterThanOrEqual(1);
      expect(refused).toEqual(Array(2 - granted.length).fill('change-in-progress'));
      const last = granted.toSorted((a, b) => b.revision - a.revision)[0];
      expect(await read(id)).toEqual(last);
    }
  });

  test('cancel against reschedule: the cancellation always holds', async () => {
    const ids = await bookSome(40);
    const answers = await inParallel(8, ids, (id, index) => {
      const { startsAt } = halfHour(4 * index + 1);
      const changes = [
        () => post(`/appointments/${id}/reschedule`, { startsAt }, maybeKey(index)),
        () => post(`/appointments/${id}/cancel`, {}, maybeKey(index)),
      ];
      const order = index % 3 === 0 ? changes.toReversed() : changes;
      return Promise.all(order.map((change) => change()));
    });
    const counts = countAnswers(answers.flat());
    const { 200: ok = 0, 202: overtaken = 0, '409 invalid-transition': late = 0, ...others } = counts;
    expect(others).toEqual({});
    expect(ok + overtaken + late).toBe(80);
    await untilQuiet();
    for (const id of ids) {
      expect((await read(id)).status).toBe('cancelled');
      expect((await doctor.api.get(`/reservations/${id}`)).body.state).toBe('released');
    }
  });
});
