import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { asSuperuser, type DatabaseName, ownerRole, superuser } from '../local/databases.ts';
import { type Finding, reconcile } from '../patient/appointments/reconcile.ts';
import { openDoctorClient } from '../patient/doctor-client.ts';
import { openDatabase } from '../shared/db/database.ts';
import { halfHour, invariantsBroken, seedDoctor, seedPatient } from '../testing/clinic.ts';
import { createDatabase, type TestDatabase, urlOf } from '../testing/postgres.ts';
import { startDoctor, startPatient, type TestService } from '../testing/services.ts';

// The failure table, row 22: one database is restored to an earlier moment.

jest.setTimeout(60_000);

let databases: Record<DatabaseName, TestDatabase>;
let doctor: TestService;
let patient: TestService;
let ids: { patientId: string; doctorId: string };
const dropped: TestDatabase[] = [];

async function start(): Promise<void> {
  doctor = await startDoctor({ database: databases.doctor });
  patient = await startPatient({ database: databases.patient, doctorUrl: doctor.url });
}

async function stop(): Promise<void> {
  await patient.stop();
  await doctor.stop();
}

/** A copy of a database as it is now. Nobody may be connected to it meanwhile. */
async function backUp(service: DatabaseName): Promise<TestDatabase> {
  const { url, ownerUrl } = databases[service];
  const name = `${service}_${randomUUID().slice(0, 8)}`;
  const original = new URL(url).pathname.slice(1);
  await asSuperuser(urlOf(superuser, 'postgres'), (client) =>
    client.query(`create database "${name}" template "${original}" owner "${ownerRole(service)}"`),
  );
  const moved = (of: string): string => Object.assign(new URL(of), { pathname: `/${name}` }).href;
  const copy = {
    url: moved(url),
    ownerUrl: moved(ownerUrl),
    drop: () =>
      asSuperuser(urlOf(superuser, 'postgres'), async (client) => {
        await client.query(`drop database "${name}" with (force)`);
      }),
  };
  dropped.push(copy);
  return copy;
}

/** Books, backs one side up, goes on, and comes back with the old copy of that side. */
async function losing(service: DatabaseName, lost: () => Promise<void>): Promise<void> {
  await stop();
  const backup = await backUp(service);
  await start();
  await lost();
  await stop();
  databases = { ...databases, [service]: backup };
  await start();
}

const book = async (slot: number): Promise<string> =>
  (
    await patient.api
      .post('/appointments')
      .send({ ...ids, ...halfHour(slot) })
      .expect(201)
  ).body.id;
const cancel = (id: string) => patient.api.post(`/appointments/${id}/cancel`).send({}).expect(200);
const reschedule = (id: string, slot: number) =>
  patient.api.post(`/appointments/${id}/reschedule`).send({ startsAt: halfHour(slot).startsAt });

async function findings(repair: boolean): Promise<Finding[]> {
  const db = openDatabase({
    url: databases.patient.url,
    poolMax: 2,
    constraints: {},
    onIdleError: () => undefined,
  });
  const nothing = () => undefined;
  const doctors = openDoctorClient({ url: doctor.url, onAnswer: nothing, onUnexpected: nothing });
  const found: Finding[] = [];
  try {
    for await (const finding of reconcile({ db, doctors, repair })) found.push(finding);
    return found;
  } finally {
    await doctors.close();
    await db.close();
  }
}

const differences = (found: readonly Finding[]) =>
  Object.fromEntries(found.map(({ appointmentId, difference }) => [appointmentId, difference]));

/** All is mended, both sides agree, and each appointment can go on. */
async function expectMended(booked: readonly string[]): Promise<void> {
  expect((await findings(true)).map(({ repair }) => repair)).not.toContain('failed');
  expect(await findings(false)).toEqual([]);
  expect(await invariantsBroken(patient, doctor)).toEqual([]);
  for (const [index, id] of booked.entries()) await reschedule(id, 100 + index).expect(200);
  expect(await invariantsBroken(patient, doctor)).toEqual([]);
}

beforeEach(async () => {
  databases = { patient: await createDatabase('patient'), doctor: await createDatabase('doctor') };
  dropped.push(databases.patient, databases.doctor);
  await start();
  ids = { patientId: await seedPatient(patient), doctorId: await seedDoctor(doctor) };
});
afterEach(async () => {
  await stop();
  for (const database of dropped.splice(0)) await database.drop();
});

test('nothing is found in a clinic that lost nothing', async () => {
  await cancel(await book(0));
  await reschedule(await book(1), 2).expect(200);
  expect(await findings(false)).toEqual([]);
});

test('the doctor’s database is older: what it forgot is listed, and reserved again', async () => {
  const [kept, cancelled, moved] = [await book(0), await book(1), await book(2)];
  let booked = '';
  await losing('doctor', async () => {
    await cancel(cancelled);
    await reschedule(moved, 3).expect(200);
    booked = await book(4);
  });
  expect(differences(await findings(false))).toEqual({
    [cancelled]: 'still-reserved',
    [moved]: 'reserved-otherwise',
    [booked]: 'not-reserved',
  });
  await expectMended([kept, moved, booked]);
});

test('the patient’s database is older: what it remembers is reserved again, and what it lost is free', async () => {
  const [kept, cancelled, moved] = [await book(0), await book(1), await book(2)];
  let lost = '';
  await losing('patient', async () => {
    await cancel(cancelled);
    await reschedule(moved, 3).expect(200);
    lost = await book(4);
  });
  expect(differences(await findings(false))).toEqual({
    [cancelled]: 'behind',
    [moved]: 'behind',
    [lost]: 'unknown-appointment',
  });
  await expectMended([kept, cancelled, moved]);
  await book(4);
});

test('time that somebody else has by now is told as refused, and stays listed', async () => {
  let forgotten = '';
  await losing('doctor', async () => {
    forgotten = await book(0);
  });
  const other = await seedPatient(patient);
  await patient.api
    .post('/appointments')
    .send({ ...ids, patientId: other, ...halfHour(0) })
    .expect(201);
  expect(await findings(true)).toEqual([
    { appointmentId: forgotten, difference: 'not-reserved', repair: 'refused' },
  ]);
  expect(differences(await findings(false))).toEqual({ [forgotten]: 'not-reserved' });
  await reschedule(forgotten, 1).expect(200);
  expect(await findings(false)).toEqual([]);
});

test('the command tells each difference in a line, and ends with 1 until nothing is left to mend', async () => {
  let booked = '';
  await losing('doctor', async () => {
    booked = await book(0);
  });
  const command = (...args: string[]): Promise<{ code: number; stdout: string }> =>
    new Promise((resolve) => {
      const main = join(import.meta.dirname, '../patient/main.ts');
      execFile(
        process.execPath,
        ['--import', 'tsx', main, 'reconcile', ...args],
        {
          env: {
            PATH: process.env.PATH,
            DATABASE_URL: databases.patient.url,
            DOCTOR_SERVICE_URL: doctor.url,
          },
        },
        (error, stdout) => resolve({ code: Number(error?.code ?? 0), stdout }),
      );
    });
  expect(await command()).toEqual({ code: 1, stdout: `${booked} not-reserved\n1 differences\n` });
  expect(await command('--repair')).toEqual({
    code: 0,
    stdout: `${booked} not-reserved: repaired\n1 differences, 1 repaired\n`,
  });
  expect(await command()).toEqual({ code: 0, stdout: '0 differences\n' });
  const mistaken = await command('--repiar');
  expect([mistaken.code, JSON.parse(mistaken.stdout)]).toMatchObject([
    1,
    { msg: 'cannot start', reason: 'unknown argument --repiar: there is --repair' },
  ]);
});
