// What was found in other systems of this kind, as attacks on this one: who gets at whose records.
// The parsers' and network's part is published-vulnerabilities-input.int.test.ts.
import { v7 as uuidv7 } from 'uuid';
import { DOCTOR_ROUTES, PATIENT_ROUTES } from './testing/access-routes.ts';
import {
  itemsOf,
  type Pair,
  pointersOf,
  ROLES,
  type Role,
  type Sent,
  send,
  startWorld,
  type World,
} from './testing/access-world.ts';
import { seedPatient } from './testing/clinic.ts';
import { dataOf } from './testing/rows.ts';
import type { TestService } from './testing/service.ts';

let world: World;
let mine: Pair;
let theirs: Pair;
beforeAll(async () => {
  world = await startWorld();
  ({ mine, theirs } = world);
});
afterAll(() => world?.stop());

const patch = 'application/merge-patch+json';
const routesOf = (table: typeof PATIENT_ROUTES) =>
  Object.entries(table).map(([route, [row, request]]) => ({
    method: route.split(' ')[0] ?? '',
    route,
    row,
    request,
  }));

describe('a token reads one type of everyone’s resources: OpenEMR CVE-2026-24487', () => {
  test.each(routesOf(PATIENT_ROUTES))(
    '$route as a patient tells nothing of another',
    async ({ method, request }) => {
      const pair = await world.seedPair(theirs);
      const { status, text } = await world.as('patient', method, request(pair));
      if (status >= 300) expect([403, 404]).toContain(status);
      for (const id of [pair.patientId, pair.appointmentId, pair.entryId]) expect(text).not.toContain(id);
    },
  );

  test.each([
    '/patients?search=example',
    `/appointments?patientId=%`,
    `/patients/%`,
    `/patients/%/history?kind=note`,
    `/patients/%/versions`,
    `/patients/%/access-log`,
  ])('GET %s as a patient tells nothing of another', async (path) => {
    const { status, text } = await world.as('patient', 'GET', {
      path: path.replace('%', theirs.patientId),
    });
    expect([200, 403, 404]).toContain(status);
    if (status === 200) expect(JSON.parse(text).items).toEqual([]);
    expect(text).not.toContain(theirs.entryId);
  });
});

describe('creating with a foreign id overwrites: OpenEMR CVE-2026-25744', () => {
  test.each<[string, Role, () => Sent]>([
    ['POST', 'admin', () => ({ path: '/patients', body: { id: theirs.patientId, ...named } })],
    [
      'PUT',
      'admin',
      () => ({ path: `/patients/${mine.patientId}`, body: { id: theirs.patientId, ...named } }),
    ],
    [
      'PATCH',
      'admin',
      () => ({ path: `/patients/${mine.patientId}`, body: { id: theirs.patientId }, type: patch }),
    ],
    [
      'POST',
      'doctor',
      () => ({ path: `/patients/${mine.patientId}/history`, body: { id: theirs.entryId, ...seen } }),
    ],
    [
      'POST',
      'doctor',
      () => ({
        path: `/patients/${mine.patientId}/history/${mine.entryId}/amend`,
        body: { id: theirs.entryId, supersedes: theirs.entryId, description: 'Changed' },
      }),
    ],
    [
      'POST',
      'patient',
      () => ({ path: '/appointments', body: { id: theirs.appointmentId, ...booking(mine) } }),
    ],
  ])('422 %s as %s with another’s id, and nothing is changed', async (method, role, sent) => {
    const before = await dataOf(world.patient);
    const answer = await world.as(role, method, sent());
    expect([answer.status, pointersOf(answer)]).toEqual([422, expect.arrayContaining(['#/id'])]);
    expect(await dataOf(world.patient)).toEqual(before);
  });
  const named = { familyName: 'Overwritten', birthDate: '1980' };
  const seen = { kind: 'note', description: 'Overwritten', occurredAt: '2026' };
});

const booking = ({ patientId, doctorId, free }: Pair) => ({ patientId, doctorId, ...free });

describe('an id in body, query or header is trusted: OpenEMR CVE-2026-25147, -34055, -32120, -33304, Cal.com CVE-2026-16624', () => {
  const own = () => ({
    'x-patient-id': mine.patientId,
    'x-user-id': 'admin',
    'x-forwarded-user': 'admin',
    cookie: `patient_id=${mine.patientId}; role=admin`,
  });

  test.each<[number, Role, string, () => Sent]>([
    [404, 'patient', 'GET', () => ({ path: `/patients/${theirs.patientId}`, headers: own() })],
    [404, 'patient', 'GET', () => ({ path: `/patients/${theirs.patientId}/history`, headers: own() })],
    [422, 'patient', 'GET', () => ({ path: `/patients/${mine.patientId}?patientId=${theirs.patientId}` })],
    [
      422,
      'patient',
      'GET',
      () => ({ path: `/patients/${mine.patientId}/history?patientId=${theirs.patientId}` }),
    ],
    [
      404,
      'patient',
      'POST',
      () => ({ path: '/appointments', body: booking({ ...mine, patientId: theirs.patientId }) }),
    ],
    [
      403,
      'doctor',
      'POST',
      () => ({ path: '/appointments', body: booking({ ...mine, doctorId: theirs.doctorId }) }),
    ],
    [
      422,
      'doctor',
      'PATCH',
      () => ({
        path: `/appointments/${mine.appointmentId}`,
        body: { patientId: theirs.patientId },
        type: patch,
      }),
    ],
    [
      403,
      'doctor',
      'POST',
      () => ({ path: `/appointments/${mine.appointmentId}/reschedule`, body: { doctorId: theirs.doctorId } }),
    ],
    [
      422,
      'doctor',
      'POST',
      () => ({
        path: `/patients/${mine.patientId}/history`,
        body: { kind: 'note', description: 'Seen', occurredAt: '2026', appointmentId: theirs.appointmentId },
      }),
    ],
    [
      403,
      'patient',
      'GET',
      () => ({
        path: `/patients/${theirs.patientId}/versions`,
        headers: { 'x-http-method-override': 'PATCH' },
      }),
    ],
  ])('%i as %s, %s', async (status, role, method, sent) => {
    const before = await dataOf(world.patient);
    expect((await world.as(role, method, sent())).status).toBe(status);
    expect(await dataOf(world.patient)).toEqual(before);
  });

  test('a filter by another’s id finds nothing of the other’s', async () => {
    for (const filter of [`patientId=${theirs.patientId}`, `doctorId=${theirs.doctorId}`])
      for (const role of ['patient', 'doctor'] as const)
        expect(itemsOf(await world.as(role, 'GET', { path: `/appointments?${filter}` }))).toEqual([]);
  });
});

describe('effects before authorisation: OpenEMR CVE-2026-33305', () => {
  test.each<[string, typeof PATIENT_ROUTES, () => TestService]>([
    ['patient', PATIENT_ROUTES, () => world.patient],
    ['doctor', DOCTOR_ROUTES, () => world.doctor],
  ])(
    'a refused request to the %s service writes its audit event, and nothing else',
    async (_name, routes, service) => {
      const pair = await world.seedPair(theirs);
      const before = await dataOf(service());
      for (const { method, row, request } of routesOf(routes)) {
        for (const role of ROLES.filter((each) => (row[each] ?? '–') !== '✔')) {
          const headers = { 'idempotency-key': uuidv7() };
          const answer = await world.as(role, method, { ...request(pair), headers }, service());
          if (method !== 'GET') expect([403, 404]).toContain(answer.status);
        }
        const unknown = await send(service(), method, request(pair));
        expect(unknown.status).toBe(401);
      }
      expect(await dataOf(service())).toEqual(before);
    },
  );
});

describe('identity or tenant from what the client sends: Cal.com CVE-2026-23478, HAPI CVE-2026-113874', () => {
  const claimed = {
    role: 'admin',
    sub: 'some admin',
    subject: 'some admin',
    patient_id: '%',
    userId: 'admin',
    tenantId: 'other',
    recordedBy: 'somebody else',
  };

  test('422 for members and parameters that name who is asking', async () => {
    for (const [member, value] of Object.entries(claimed)) {
      const entry = { kind: 'note', description: 'Seen', occurredAt: '2026', [member]: value };
      const path = `/patients/${mine.patientId}/history`;
      const answer = await world.as('doctor', 'POST', { path, body: entry });
      expect([answer.status, pointersOf(answer)]).toEqual([422, [`#/${member}`]]);
      expect((await world.as('patient', 'GET', { path: `${path}?${member}=${value}` })).status).toBe(422);
    }
  });

  test('headers, and what a token’s header says, make nobody of anybody', async () => {
    const headers = Object.fromEntries(
      Object.entries(claimed).map(([name, value]) => [`x-${name.replace('_', '-')}`, value]),
    );
    const token = await world.issuer.sign(
      { role: 'patient', patient_id: mine.patientId, sub: 'somebody' },
      { role: 'admin', patient_id: theirs.patientId },
    );
    const path = `/patients/${theirs.patientId}`;
    expect((await send(world.patient, 'GET', { path, headers }, token)).status).toBe(404);
    expect((await send(world.patient, 'GET', { path: '/audit-events', headers }, token)).status).toBe(403);
  });

  test('who recorded an entry, and who acts in the trail, is the token’s subject', async () => {
    const requestId = uuidv7();
    const answer = await world.as('doctor', 'POST', {
      path: `/patients/${mine.patientId}/history`,
      body: { kind: 'note', description: 'Seen', occurredAt: '2026' },
      headers: { 'x-request-id': requestId, 'x-user': 'somebody else' },
    });
    const subject = `${world.issuer.entry.issuer}#some doctor`;
    expect([answer.status, answer.json().recordedBy]).toEqual([201, subject]);
    const { rows } = await world.patient.db.query(
      'select subject, role from audit_events where request_id = $1',
      [requestId],
    );
    expect(rows).toEqual([{ subject, role: 'doctor' }]);
  });
});

describe('booking tokens that can be guessed: Booking Calendar CVE-2026-105193', () => {
  test('knowing the id of another’s appointment grants nothing', async () => {
    const { appointmentId } = await world.seedPair(theirs);
    const before = await dataOf(world.patient);
    for (const [method, action] of [
      ['GET', ''],
      ['GET', '.ics'],
      ['POST', '/cancel'],
      ['POST', '/reschedule'],
    ] as const) {
      const sent: Sent = { path: `/appointments/${appointmentId}${action}` };
      if (action === '/reschedule') sent.body = { startsAt: mine.free.startsAt };
      expect((await send(world.patient, method, sent)).status).toBe(401);
      for (const role of ['patient', 'doctor'] as const)
        expect((await world.as(role, method, sent)).status).toBe(404);
    }
    expect(await dataOf(world.patient)).toEqual(before);
  });
});

describe('work in the background reads what its creator may not: HAPI CVE-2026-113875', () => {
  test('404 for the answer that a key keeps, once its caller does not reach the record any more', async () => {
    const patientId = await seedPatient(world.patient);
    const { appointmentId } = await world.seedPair({ patientId, doctorId: mine.doctorId });
    const sent: Sent = {
      path: `/patients/${patientId}/history`,
      body: { kind: 'note', description: 'clinical words', occurredAt: '2026' },
      headers: { 'idempotency-key': uuidv7() },
    };
    expect((await world.as('doctor', 'POST', sent)).status).toBe(201);
    expect((await world.as('doctor', 'POST', sent)).status).toBe(201);
    await world.patient.db.query(`update appointments set status = 'cancelled' where id = $1`, [
      appointmentId,
    ]);
    const { status, text } = await world.as('doctor', 'POST', sent);
    expect([status, text.includes('clinical words')]).toEqual([404, false]);
  });
});
