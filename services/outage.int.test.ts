import { jest } from '@jest/globals';
import { halfHour, seedPatients } from './testing/clinic.ts';
import { eventually } from './testing/eventually.ts';
import { inParallel } from './testing/load.ts';
import type { TcpProxy } from './testing/tcp-proxy.ts';
import {
  type DoctorProcess,
  openTwoSides,
  type Pair,
  type PatientProcess,
  type TwoSides,
} from './testing/two-sides.ts';

jest.setTimeout(30_000);

let sides: TwoSides;
let doctor: DoctorProcess;
let patient: PatientProcess;
let pair: Pair;

beforeAll(async () => {
  sides = await openTwoSides();
  doctor = await sides.startDoctorProcess();
  patient = await sides.startPatientProcess();
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

const ID = '01990000-0000-7000-8000-000000000000';
const { startsAt, endsAt } = halfHour(0);
const RANGE = `?from=${startsAt}&to=${endsAt}`;

/** What a route needs to be understood; the others need nothing. */
const NEEDS: Readonly<Record<string, { query?: string; body?: object }>> = {
  'POST /appointments': { body: { patientId: ID, doctorId: ID, startsAt, durationMinutes: 30 } },
  'POST /appointments/{id}/reschedule': { body: { startsAt } },
  'POST /patients': { body: { familyName: 'Example', birthDate: '1980' } },
  'PUT /patients/{id}': { body: { familyName: 'Example', birthDate: '1980' } },
  'POST /patients/{id}/history': { body: { kind: 'note', description: 'Note', occurredAt: '2020' } },
  'POST /doctors': {
    body: { givenName: 'Ada', familyName: 'Example', specialties: ['Surgery'], timeZone: 'UTC' },
  },
  'PUT /doctors/{id}': {
    body: { givenName: 'Ada', familyName: 'Example', specialties: ['Surgery'], timeZone: 'UTC' },
  },
  'PUT /doctors/{id}/schedule': {
    body: { weeklyHours: [{ weekday: 'monday', from: '09:00', to: '17:00' }] },
  },
  'POST /doctors/{id}/exceptions': {
    body: { kind: 'closed', from: '2030-01-01T00:00', to: '2030-01-02T00:00' },
  },
  'GET /doctors/{id}/availability': { query: RANGE },
  'GET /doctors/{id}/reservations': { query: RANGE },
  'GET /availability': { query: `${RANGE}&durationMinutes=30` },
  'PUT /reservations/{appointmentId}': { body: { doctorId: ID, startsAt, endsAt, revision: 1 } },
  'DELETE /reservations/{appointmentId}': { query: '?revision=1' },
};

/** Every route of a service, by its own OpenAPI document. */
async function routesOf({ url }: { url: string }): Promise<string[]> {
  const { text } = await sides.client.get(url, '/openapi.json');
  const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, unknown>> };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
}

function callRoute({ url }: { url: string }, route: string) {
  const [method = '', path = ''] = route.split(' ');
  const { query = '', body = method === 'GET' || method === 'DELETE' ? undefined : {} } = NEEDS[route] ?? {};
  return sides.client.call(url, method as 'POST', {
    path: path.replace('{version}', '1').replace(/\{\w+\}/g, ID) + query,
    body,
  });
}

const AWAY = { status: 503, problem: 'unavailable', retryAfter: '1' };

describe.each(['patient', 'doctor'] as const)('the database of the %s service', (side) => {
  test('away: 503 with Retry-After on every route, alive but not ready; back: ready and working without a restart', async () => {
    const service = side === 'patient' ? patient : doctor;
    const routes = await routesOf(service);
    expect(routes.length).toBeGreaterThan(10);
    await service.toDatabase.refuse();
    const answers = await Promise.all(
      routes.map(async (route) => ({ route, ...(await callRoute(service, route)) })),
    );
    expect(answers).toMatchObject(routes.map((route) => ({ route, ...AWAY })));
    expect((await sides.client.get(service.url, '/livez')).status).toBe(200);
    await eventually(async () => expect((await sides.client.get(service.url, '/readyz')).status).toBe(503));
    const booking = await sides.book(patient, pair, halfHour(1));
    expect(booking).toMatchObject(side === 'patient' ? AWAY : { status: 202 });

    await service.toDatabase.pass();
    await eventually(async () => expect((await sides.client.get(service.url, '/readyz')).status).toBe(200));
    expect((await callRoute(service, side === 'patient' ? 'GET /appointments' : 'GET /doctors')).status).toBe(
      200,
    );
    expect((await sides.book(patient, await sides.seedPair(), halfHour(1))).status).toBe(201);
  });
});

const ways: [string, (toDoctor: TcpProxy) => unknown][] = [
  ['cannot be reached', (toDoctor) => toDoctor.refuse()],
  ['takes every question and says nothing', (toDoctor) => toDoctor.silence()],
  ['decides and answers too late', (toDoctor) => toDoctor.delay(600)],
];

describe.each(ways)('the doctor service %s', (_way, fail) => {
  test('reads as ever, bookings 202 within 1.5 s, all else as promised; back: everything settled within 10 s', async () => {
    const booked = [];
    for (let index = 0; index < 4; index += 1) {
      const told = await sides.book(patient, pair, halfHour(index));
      expect(told.status).toBe(201);
      booked.push(told.body.id);
    }
    const [toCancel, toMove, toCheckIn] = booked;
    const post = (id: unknown, action: string, body = {}) =>
      sides.client.post(patient.url, `/appointments/${id}/${action}`, body);
    await fail(patient.toDoctor);
    const told = await Promise.all([
      sides.book(patient, pair, halfHour(10)),
      sides.book(patient, pair, halfHour(11), `outage ${pair.patientId}`),
      post(toCancel, 'cancel'),
      post(toMove, 'reschedule', { startsAt: halfHour(12).startsAt }),
      post(toCheckIn, 'check-in'),
      sides.client.get(patient.url, `/appointments?patientId=${pair.patientId}`),
      sides.client.get(patient.url, `/appointments/${toMove}`),
    ]);
    expect(told.map(({ status }) => status)).toEqual([202, 202, 200, 202, 200, 200, 200]);
    for (const { tookMs } of told) expect(tookMs).toBeLessThan(1_500);
    expect((await sides.client.get(patient.url, '/readyz')).status).toBe(200);

    await patient.toDoctor.pass();
    await sides.untilSettled();
    expect((await sides.bookingsOf(pair.patientId)).map(({ status }) => status).sort()).toEqual([
      'arrived',
      'booked',
      'booked',
      'booked',
      'booked',
      'cancelled',
    ]);
  });
});

test('300 bookings wait: single probes go out, reads are not held up, and all are settled within 10 s of its return', async () => {
  const patientIds = await seedPatients(sides.patient, 300);
  const ofThem = 'from appointments where patient_id = any($1)';
  const bookAll = (first: number, last: number) =>
    inParallel(64, patientIds.slice(first, last), async (patientId, index) => {
      for (;;) {
        const told = await sides.book(patient, { ...pair, patientId }, halfHour(first + index));
        // A busy machine may refuse before or after it has stored the booking; then the client tries again.
        if (told.status !== 503) return told;
      }
    });
  patient.toDoctor.silence();
  const booking = bookAll(0, 64);
  await eventually(async () =>
    expect((await sides.patient.db.query(`select ${ofThem}`, [patientIds])).rowCount).toBe(64),
  );
  const reads = [];
  while (reads.length < 11) reads.push(await sides.client.get(patient.url, '/appointments?limit=1'));
  expect(reads.map(({ status }) => status)).toEqual(reads.map(() => 200));
  const tookMs = reads.map((read) => read.tookMs).toSorted((a, b) => a - b);
  expect(tookMs[reads.length >> 1]).toBeLessThan(250);
  const told = [...(await booking), ...(await bookAll(64, 300))];
  expect(told.filter(({ status, problem }) => status !== 202 && problem !== 'patient-busy')).toEqual([]);

  // A probe takes a second, and the next comes a quarter of a second later.
  const askedWithin = (ms: number) =>
    patient.toDoctor.exchanges.filter(({ askedAt }) => askedAt > performance.now() - ms).length;
  await eventually(async () => expect([2, 3]).toContain(askedWithin(3_000)));

  const back = performance.now();
  await patient.toDoctor.pass();
  await sides.untilSettled();
  expect(performance.now() - back).toBeLessThan(10_000);
  const { rows } = await sides.patient.db.query(
    `select status, count(*)::integer ${ofThem} group by status`,
    [patientIds],
  );
  expect(rows).toEqual([{ status: 'booked', count: 300 }]);
});
