import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { applicationRole, asSuperuser, createMissing, ownerRole, superuser } from '../local/databases.ts';
import { type PostgresServer, startPostgres } from '../local/postgres.ts';
import { migrate } from '../shared/db/migrate.ts';
import { halfHour } from '../testing/clinic.ts';
import { eventually } from '../testing/eventually.ts';
import { connectAsOwner } from '../testing/postgres.ts';
import { startProxy, type TcpProxy } from '../testing/tcp-proxy.ts';
import {
  type DoctorProcess,
  openTwoSides,
  type Pair,
  type PatientReplica,
  type TwoSides,
} from '../testing/two-sides.ts';
import { postgresWire } from '../testing/wire.ts';

// The failure table, row by row: what dies, and what is true in the end. Of databases that die or do not answer in time.

jest.setTimeout(30_000);

let folder: string;
let server: PostgresServer;
/** Where the doctor's database is, whichever server has it. */
let way: TcpProxy;
let ownerUrl: string;
let sides: TwoSides;
let doctor: DoctorProcess;
let patient: PatientReplica;
let pair: Pair;
const time = halfHour(20);

/** PostgreSQL of our own for the doctor service, with everything that makes it durable. */
async function startServer(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'clinic-failures-'));
  await chmod(folder, 0o755);
  server = await startPostgres({ folder });
  await asSuperuser(server.url(superuser, 'postgres'), (client) => createMissing(client, server.passwordOf));
  await migrate({
    ownerUrl: server.url(ownerRole('doctor'), 'doctor'),
    directory: join(import.meta.dirname, '..', 'doctor', 'migrations'),
    applicationRole: applicationRole('doctor'),
    log: () => undefined,
  });
  way = await startProxy(postgresWire, server.port);
}

const throughWay = (role: string): string =>
  Object.assign(new URL(server.url(role, 'doctor')), { port: way.port }).href;

/** SIGKILL, and a new server on the same data. */
async function killServer(): Promise<() => Promise<void>> {
  process.kill(server.pid, 'SIGKILL');
  await server.ended;
  return async () => {
    server = await startPostgres({ folder });
    way.retarget(server.port);
    sides.doctor.db = await connectAsOwner({ ownerUrl });
  };
}

beforeAll(async () => {
  await startServer();
  ownerUrl = throughWay(ownerRole('doctor'));
  sides = await openTwoSides({
    url: throughWay(applicationRole('doctor')),
    ownerUrl,
    drop: () => Promise.resolve(),
  });
  doctor = await sides.startDoctorProcess();
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
  await way.close();
  await server.stop();
  await rm(folder, { recursive: true });
});

const bookings = () => sides.bookingsOf(pair.patientId);

test.each([
  { phase: 'asked', moment: 'before', left: [], replayed: '201' },
  { phase: 'answered', moment: 'after', left: ['1 active'], replayed: '200' },
] as const)(
  'row 5: the doctor’s database is killed $moment its commit → one answer',
  async ({ phase, left, replayed }) => {
    const commit = doctor.toDatabase.hold('commit', phase);
    const first = sides.book(patient, pair, time);
    const held = await commit;
    const startAgain = await killServer();
    held.lose();
    const told = await first;
    expect(told).toMatchObject({ status: 202, body: { status: 'pending' } });
    expect(told.tookMs).toBeLessThan(1_500);

    patient.toDoctor.silence();
    await startAgain();
    expect(await bookings()).toMatchObject([{ status: 'pending', reservations: left }]);
    await patient.toDoctor.pass();
    await sides.hurry();
    await eventually(async () =>
      expect(await bookings()).toMatchObject([{ status: 'booked', reservations: ['1 active'] }]),
    );
    const answers = patient.toDoctor.answers(String(told.body.id));
    expect(answers.filter((answer) => answer.startsWith('2'))).toEqual([replayed]);
  },
);

test('row 23: all connections are busy in a slow database → 503 with Retry-After, and nothing is stored', async () => {
  const { db } = sides.patient;
  await db.query('begin');
  await db.query('select from patients where id = $1 for update', [pair.patientId]);
  // As many as the pool has connections wait for the patient's row, with a key and without.
  const waiting = Array.from({ length: 10 }, (_, index) =>
    sides.book(patient, pair, halfHour(index), index % 2 === 0 ? `slow ${index}` : undefined),
  );
  await eventually(async () => {
    const { rowCount } = await db.query('select from pg_locks where not granted');
    expect(rowCount).toBeGreaterThanOrEqual(10);
  });
  const other = await sides.seedPair();
  const away = { status: 503, problem: 'unavailable', retryAfter: '1' };
  const refused = await Promise.all([
    sides.book(patient, other, time),
    sides.client.get(patient.url, '/appointments'),
  ]);
  for (const told of refused) {
    expect(told).toMatchObject(away);
    expect(told.tookMs).toBeLessThan(1_500);
  }
  for (const told of await Promise.all(waiting)) expect(told).toMatchObject(away);
  await db.query('commit');
  expect(await bookings()).toEqual([]);
  expect(await sides.bookingsOf(other.patientId)).toEqual([]);

  expect((await sides.book(patient, pair, halfHour(0), 'slow 0')).status).toBe(201);
  expect((await sides.book(patient, other, time)).status).toBe(201);
});
