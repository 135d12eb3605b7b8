import { v7 as uuidv7 } from 'uuid';
import {
  type Pair,
  ROLES,
  type Role,
  type Sent,
  send,
  startWorld,
  type World,
} from './testing/access-world.ts';
import type { TestService } from './testing/service.ts';
import { signWithPublicKey, unsigned } from './testing/tokens.ts';

/** What a caller may reach, as design §4 says: ✔ everything, `own` what is the caller's own, – nothing. */
type Row = Record<Exclude<Role, 'service'>, '✔' | 'own' | '–'> & { service?: '✔' };
const desk: Row = { admin: '✔', receptionist: '✔', doctor: '–', patient: '–' };
const admin: Row = { admin: '✔', receptionist: '–', doctor: '–', patient: '–' };
const everybody: Row = { admin: '✔', receptionist: '✔', doctor: '✔', patient: '✔' };
const everybodyOwn: Row = { admin: '✔', receptionist: '✔', doctor: 'own', patient: 'own' };
const deskAndDoctor: Row = { admin: '✔', receptionist: '✔', doctor: 'own', patient: '–' };
const clinical: Row = { admin: '–', receptionist: '–', doctor: 'own', patient: 'own' };
const clinicalWrite: Row = { admin: '–', receptionist: '–', doctor: 'own', patient: '–' };
const onlyService: Row = { admin: '–', receptionist: '–', doctor: '–', patient: '–', service: '✔' };

const patch = 'application/merge-patch+json';
const appointment = ({ appointmentId }: Pair, action = ''): Sent => ({
  path: `/appointments/${appointmentId}${action}`,
});
const PATIENT = { familyName: 'Example', birthDate: '1980' };
const DOCTOR = {
  givenName: 'Doc',
  familyName: 'Example',
  specialties: ['general practice'],
  timeZone: 'UTC',
};
const span = ({ free }: Pair) => `from=${free.startsAt}&to=${free.endsAt}`;

/** Every route of the patient service, whom it lets in, and a request that is good but for that. */
const PATIENT_ROUTES: Record<string, [Row, (pair: Pair) => Sent]> = {
  'POST /patients': [desk, () => ({ path: '/patients', body: PATIENT })],
  'GET /patients': [{ ...desk, doctor: '✔' }, () => ({ path: '/patients' })],
  'GET /patients/:id': [everybodyOwn, ({ patientId }) => ({ path: `/patients/${patientId}` })],
  'PUT /patients/:id': [desk, ({ patientId }) => ({ path: `/patients/${patientId}`, body: PATIENT })],
  'PATCH /patients/:id': [
    { ...desk, patient: 'own' },
    ({ patientId }) => ({ path: `/patients/${patientId}`, body: { phone: '+1 555 0100' }, type: patch }),
  ],
  'DELETE /patients/:id': [admin, ({ patientId }) => ({ path: `/patients/${patientId}` })],
  'POST /patients/:id/restore': [admin, ({ patientId }) => ({ path: `/patients/${patientId}/restore` })],
  'GET /patients/:id/versions': [desk, ({ patientId }) => ({ path: `/patients/${patientId}/versions` })],
  'GET /patients/:id/versions/:version': [
    desk,
    ({ patientId }) => ({ path: `/patients/${patientId}/versions/1` }),
  ],
  'POST /patients/:id/history': [
    clinicalWrite,
    ({ patientId }) => ({
      path: `/patients/${patientId}/history`,
      body: { kind: 'note', description: 'Seen', occurredAt: '2026' },
    }),
  ],
  'GET /patients/:id/history': [clinical, ({ patientId }) => ({ path: `/patients/${patientId}/history` })],
  'GET /patients/:id/history/:entryId': [
    clinical,
    ({ patientId, entryId }) => ({ path: `/patients/${patientId}/history/${entryId}` }),
  ],
  'POST /patients/:id/history/:entryId/amend': [
    clinicalWrite,
    ({ patientId, entryId }) => ({
      path: `/patients/${patientId}/history/${entryId}/amend`,
      body: { description: 'Seen again' },
    }),
  ],
  'GET /audit-events': [admin, () => ({ path: '/audit-events' })],
  'GET /patients/:id/access-log': [
    { ...admin, patient: 'own' },
    ({ patientId }) => ({ path: `/patients/${patientId}/access-log` }),
  ],
  'POST /appointments': [
    everybodyOwn,
    ({ patientId, doctorId, free }) => ({ path: '/appointments', body: { patientId, doctorId, ...free } }),
  ],
  'GET /appointments': [everybody, () => ({ path: '/appointments' })],
  'GET /appointments/:id': [everybodyOwn, (pair) => appointment(pair)],
  'GET /appointments/:id.ics': [everybodyOwn, (pair) => appointment(pair, '.ics')],
  'PATCH /appointments/:id': [
    deskAndDoctor,
    (pair) => ({ ...appointment(pair), body: { reason: 'Cough' }, type: patch }),
  ],
  'POST /appointments/:id/reschedule': [
    everybodyOwn,
    (pair) => ({ ...appointment(pair, '/reschedule'), body: { startsAt: pair.free.startsAt } }),
  ],
  'POST /appointments/:id/cancel': [everybodyOwn, (pair) => appointment(pair, '/cancel')],
  'POST /appointments/:id/check-in': [deskAndDoctor, (pair) => appointment(pair, '/check-in')],
  'POST /appointments/:id/start': [deskAndDoctor, (pair) => appointment(pair, '/start')],
  'POST /appointments/:id/complete': [deskAndDoctor, (pair) => appointment(pair, '/complete')],
  'POST /appointments/:id/no-show': [deskAndDoctor, (pair) => appointment(pair, '/no-show')],
  'POST /appointments/:id/undo': [deskAndDoctor, (pair) => appointment(pair, '/undo')],
};

const ofDoctor =
  (rest: string, more: Omit<Sent, 'path'> = {}) =>
  ({ doctorId }: Pair): Sent => ({ path: `/doctors/${doctorId}${rest}`, ...more });

const WEEK = { weeklyHours: [{ weekday: 'monday', from: '00:00', to: '24:00' }], keepReservations: true };
const LEAVE = { kind: 'closed', from: '2030-01-01T00:00', to: '2030-01-02T00:00' };

const DOCTOR_ROUTES: typeof PATIENT_ROUTES = {
  'POST /doctors': [admin, () => ({ path: '/doctors', body: DOCTOR })],
  'GET /doctors': [everybody, () => ({ path: '/doctors' })],
  'GET /doctors/:id': [everybody, ofDoctor('')],
  'PUT /doctors/:id': [admin, ofDoctor('', { body: DOCTOR })],
  'PATCH /doctors/:id': [
    { ...admin, doctor: 'own' },
    ofDoctor('', { body: { phone: '+1 555 0100' }, type: patch }),
  ],
  'DELETE /doctors/:id': [admin, ofDoctor('')],
  'POST /doctors/:id/restore': [admin, ofDoctor('/restore')],
  'PUT /doctors/:id/schedule': [deskAndDoctor, ofDoctor('/schedule', { body: WEEK })],
  'GET /doctors/:id/schedule': [deskAndDoctor, ofDoctor('/schedule')],
  'POST /doctors/:id/exceptions': [deskAndDoctor, ofDoctor('/exceptions', { body: LEAVE })],
  'GET /doctors/:id/exceptions': [deskAndDoctor, ofDoctor('/exceptions')],
  'GET /doctors/:id/exceptions/:exceptionId': [
    deskAndDoctor,
    ({ doctorId, exceptionId }) => ({ path: `/doctors/${doctorId}/exceptions/${exceptionId}` }),
  ],
  'DELETE /doctors/:id/exceptions/:exceptionId': [
    deskAndDoctor,
    ({ doctorId, exceptionId }) => ({ path: `/doctors/${doctorId}/exceptions/${exceptionId}` }),
  ],
  'GET /doctors/:id/availability': [everybody, (pair) => ofDoctor(`/availability?${span(pair)}`)(pair)],
  'GET /availability': [everybody, (pair) => ({ path: `/availability?${span(pair)}&durationMinutes=30` })],
  'GET /doctors/:id/reservations': [deskAndDoctor, (pair) => ofDoctor(`/reservations?${span(pair)}`)(pair)],
  'PUT /reservations/:appointmentId': [
    onlyService,
    ({ doctorId, free }) => ({ path: `/reservations/${uuidv7()}`, body: { doctorId, ...free, revision: 1 } }),
  ],
  'GET /reservations/:appointmentId': [
    onlyService,
    ({ appointmentId }) => ({ path: `/reservations/${appointmentId}` }),
  ],
  'DELETE /reservations/:appointmentId': [
    onlyService,
    () => ({ path: `/reservations/${uuidv7()}?revision=1` }),
  ],
  'GET /reservations': [onlyService, () => ({ path: '/reservations' })],
};

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

/** Whatever else is answered, the caller was let in. */
const REFUSALS = [401, 403, 404, 500, 503];

const SERVICES: [string, Record<string, [Row, (pair: Pair) => Sent]>, () => TestService][] = [
  ['patient', PATIENT_ROUTES, () => world.patient],
  ['doctor', DOCTOR_ROUTES, () => world.doctor],
];

describe.each(SERVICES)('the %s service', (_name, routes, service) => {
  test('has no route that this matrix does not ask', async () => {
    const { paths } = (await (await fetch(`${service().url}/openapi.json`)).json()) as {
      paths: Record<string, object>;
    };
    const served = Object.entries(paths).flatMap(([pattern, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${pattern.replace(/\{(\w+)\}/g, ':$1')}`),
    );
    expect(served.sort()).toEqual(Object.keys(routes).sort());
  });

  describe.each(Object.entries(routes))('%s', (route, [row, request]) => {
    const [method = ''] = route.split(' ');

    test('401 without a token, and for one that is not good', async () => {
      const seconds = Math.floor(Date.now() / 1000);
      const bad = [
        undefined,
        'nonsense',
        await world.issuer.sign({ role: 'admin', exp: seconds - 60 }),
        await world.issuer.sign({ role: 'admin', exp: undefined }),
        await world.issuer.sign({ role: 'admin', nbf: seconds + 60 }),
        await world.issuer.sign({ role: 'admin', aud: 'somebody-else' }),
        await world.issuer.sign({ role: 'admin', iss: 'https://other.example' }),
        unsigned(world.issuer, { role: 'admin' }),
        await signWithPublicKey(world.issuer, { role: 'admin' }),
      ];
      for (const token of bad) {
        const { status, text } = await send(service(), method, request(world.mine), token);
        expect([status, text]).toEqual([401, expect.stringContaining('urn:problem-type:unauthenticated')]);
      }
    });

    test.each(ROLES)('%s', async (role) => {
      const pair = await world.seedPair(world.mine);
      const own = await send(service(), method, request(pair), await world.tokenOf(role));
      const reach = row[role as keyof Row] ?? '–';
      if (reach === '–') {
        expect(own.status).toBe(403);
        return;
      }
      expect(REFUSALS).not.toContain(own.status);
      const others = await world.seedPair(world.theirs);
      const other = await send(service(), method, request(others), await world.tokenOf(role));
      if (reach === 'own') expect([403, 404]).toContain(other.status);
      else expect(REFUSALS).not.toContain(other.status);
    });
  });
});
