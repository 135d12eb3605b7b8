import { problemOf } from './testing/calendar.ts';
import { at, seedDoctor, seedPatient } from './testing/clinic.ts';
import { startDoctor, startPatient, type TestService } from './testing/services.ts';

// A cursor is the client's to send, whatever it holds: PostgreSQL must never be asked to read what it cannot.

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';

let patient: TestService;
let doctor: TestService;
let patientId: string;
let doctorId: string;
beforeAll(async () => {
  patient = await startPatient();
  doctor = await startDoctor();
  patientId = await seedPatient(patient);
  doctorId = await seedDoctor(doctor);
});
afterAll(async () => {
  await patient.stop();
  await doctor.stop();
});

const cursorOf = (order: string, sortKey: string): string =>
  Buffer.from(JSON.stringify([order, sortKey, ID])).toString('base64url');

/** Every list that is sorted by an instant. */
const lists: [
  path: string,
  order: string,
  read: (cursor: string) => PromiseLike<Parameters<typeof problemOf>[0]>,
][] = [
  ['/appointments', 'startsAt', (cursor) => patient.api.get('/appointments').query({ cursor })],
  [
    '/patients?sort=createdAt',
    'createdAt',
    (cursor) => patient.api.get('/patients').query({ sort: 'createdAt', cursor }),
  ],
  [
    '/patients?sort=-updatedAt',
    '-updatedAt',
    (cursor) => patient.api.get('/patients').query({ sort: '-updatedAt', cursor }),
  ],
  [
    '/patients/{id}/history',
    '-occurredAt',
    (cursor) => patient.api.get(`/patients/${patientId}/history`).query({ cursor }),
  ],
  [
    '/doctors/{id}/reservations',
    'startsAt',
    (cursor) => doctor.api.get(`/doctors/${doctorId}/reservations`).query({ from: at(1), to: at(9), cursor }),
  ],
];

describe.each(lists)('GET %s', (_path, order, read) => {
  test.each(['2026-03-02 09:00:00.123456+00', '2026-03-02T09:00:00.123Z'])(
    '200 with a cursor at %s',
    async (sortKey) => {
      expect(problemOf(await read(cursorOf(order, sortKey)))).toBe('200 application/json');
    },
  );

  test.each(['2026-03-02T09:00:00+20:00', '2026-03-02T09:00:00-16:00', '2026-03-02 09:00:00+23'])(
    '422 with a cursor at %s, an offset that PostgreSQL refuses',
    async (sortKey) => {
      expect(problemOf(await read(cursorOf(order, sortKey)))).toBe('422 invalid-request cursor');
    },
  );
});
