import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import type pg from 'pg';
import { freePort } from './local/ports.ts';
import { halfHour, invariantsBroken, seedDoctor, seedPatients } from './testing/clinic.ts';
import { deadlocksIn } from './testing/deadlocks.ts';
import { type Caller, countAnswers, inParallel, openCaller, type Reply, warmUp } from './testing/load.ts';
import { connectAsOwner, createDatabase, type TestDatabase } from './testing/postgres.ts';
import { eventually, startDoctor, startPatient, type TestService } from './testing/services.ts';

jest.setTimeout(60_000);

const BOOKINGS = 150;

let databases: { patient: TestDatabase; doctor: TestDatabase };
let doctorDb: pg.Client;
let replicas: TestService[];
let callers: Caller[];
let doctorPort: number;
let doctor: TestService | undefined;

beforeEach(async () => {
  databases = { patient: await createDatabase('patient'), doctor: await createDatabase('doctor') };
  doctorDb = await connectAsOwner(databases.doctor);
  doctorPort = await freePort();
  replicas = [];
  for (let count = 0; count < 3; count += 1) {
    const doctorUrl = `http://127.0.0.1:${doctorPort}`;
    replicas.push(await startPatient({ database: databases.patient, doctorUrl, settings: { poolMax: 24 } }));
  }
  callers = replicas.map(({ url }) => openCaller(url, 16));
  for (const each of callers) await warmUp(each, '/appointments', 8);
});
afterEach(async () => {
  for (const each of callers) await each.close();
  for (const each of replicas) await each.stop();
  await doctor?.stop();
  doctor = undefined;
  await doctorDb.end();
  const deadlocks = [await deadlocksIn(databases.patient), await deadlocksIn(databases.doctor)];
  await databases.patient.drop();
  await databases.doctor.drop();
  expect(deadlocks).toEqual([0, 0]);
});

const any = () => replicas[0] as TestService;
const replica = (index: number) => callers[index % 3] as Caller;
const idOf = ({ text }: Reply): string => JSON.parse(text).id;
/** Every second request has a key: with and without one it takes other paths. */
const maybeKey = (index: number) => (index % 2 === 0 ? {} : { 'idempotency-key': randomUUID() });

async function doctorReturns(): Promise<void> {
  doctor = await startDoctor({ database: databases.doctor, settings: { port: doctorPort } });
}

const untilSettled = () =>
  eventually(async () => {
    const { rowCount } = await any().db.query('select from appointments where answered_revision < revision');
    expect(rowCount).toBe(0);
  });

/** By id, with how often each has changed: once for its answer, once for a cancellation and once for the answer to that. */
async function readAll(): Promise<Map<string, { status: string; version: number }>> {
  const { rows } = await any().db.query('select id, status, version from appointments');
  return new Map(rows.map(({ id, ...appointment }) => [id, appointment]));
}

/** Bookings through all replicas while nobody answers, two for each slot. */
async function bookWaiting(): Promise<string[]> {
  const [patientIds, doctorId] = [await seedPatients(any(), 2), await seedDoctor({ db: doctorDb })];
  const answers = await inParallel(12, Array<number>(BOOKINGS).fill(0), (_, index) => {
    const body = { patientId: patientIds[index % 2], doctorId, ...halfHour(index >> 1) };
    return replica(index).call('POST', '/appointments', body, maybeKey(index));
  });
  expect(countAnswers(answers)).toEqual({ 202: BOOKINGS });
  return answers.map(idOf);
}

const cancel = (id: string, index: number) =>
  replica(index + 1).call('POST', `/appointments/${id}/cancel`, {}, maybeKey(index));

test('three replicas answer each wish once when the doctor service is back, and book one of two rivals', async () => {
  await bookWaiting();
  await doctorReturns();
  await untilSettled();
  const appointments = [...(await readAll()).values()];
  const of = (status: string) => appointments.filter((each) => each.status === status);
  expect(of('booked')).toEqual(Array(BOOKINGS / 2).fill({ status: 'booked', version: 2 }));
  expect(of('rejected')).toEqual(Array(BOOKINGS / 2).fill({ status: 'rejected', version: 2 }));
  expect(await invariantsBroken(any(), { db: doctorDb })).toEqual([]);
});

test('a cancellation holds on three replicas, whether it comes before, with or after the answer', async () => {
  const ids = await bookWaiting();
  const before = await inParallel(8, ids.slice(0, 50), cancel);
  expect(countAnswers(before)).toEqual({ 200: 50 });
  const [during] = await Promise.all([inParallel(2, ids.slice(50), cancel), doctorReturns()]);
  await untilSettled();
  const appointments = await readAll();
  for (const [index, { status, problem }] of [...before, ...during].entries()) {
    const present = appointments.get(ids[index] ?? '')?.status;
    // What was refused before it was cancelled stays refused.
    expect([status, problem, present]).toEqual(
      status === 200 ? [200, undefined, 'cancelled'] : [409, 'invalid-transition', 'rejected'],
    );
  }
  const { rowCount } = await doctorDb.query(`select from reservations where state = 'active'`);
  expect(rowCount).toBe(0);
  expect(await invariantsBroken(any(), { db: doctorDb })).toEqual([]);
});
