import { v7 as uuidv7 } from 'uuid';
import { at, invariantsBroken, seedDoctor, seedPatient } from '../../testing/clinic.ts';
import { startDoctor, startPatient, type TestService } from '../../testing/services.ts';

let doctor: TestService;
let patient: TestService;
let patientId: string;
let doctorId: string;

beforeAll(async () => {
  doctor = await startDoctor();
  patient = await startPatient({ doctorUrl: doctor.url });
});
beforeEach(async () => {
  patientId = await seedPatient(patient);
  doctorId = await seedDoctor(doctor, {
    from: '08:00',
    to: '18:00',
    bufferMinutes: 10,
    minimumNoticeMinutes: 60,
    horizonDays: 30,
  });
});
afterEach(async () => {
  expect(await invariantsBroken(patient, doctor)).toEqual([]);
});
afterAll(async () => {
  await patient.stop();
  await doctor.stop();
});

const book = (members: object = {}) =>
  patient.api
    .post('/appointments')
    .send({ patientId, doctorId, startsAt: at(2), durationMinutes: 30, ...members });

const word = (body: { type: string }) => body.type.replace('urn:problem-type:', '');

describe('POST /appointments', () => {
  test('201 with the booked appointment, its Location and ETag, and the doctor’s time reserved', async () => {
    const { status, body, headers } = await book({ reason: 'Check-up', notes: 'Brings old reports' });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String),
      patientId,
      doctorId,
      startsAt: at(2),
      endsAt: at(2, '09:30'),
      durationMinutes: 30,
      status: 'booked',
      revision: 1,
      settled: true,
      lastChange: { revision: 1, outcome: 'granted' },
      reason: 'Check-up',
      notes: 'Brings old reports',
      version: 2,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect(headers).toMatchObject({ location: `/appointments/${body.id}`, etag: '"2"' });
    const reservation = await doctor.api.get(`/reservations/${body.id}`);
    expect(reservation.body).toEqual({
      appointmentId: body.id,
      revision: 1,
      state: 'active',
      doctorId,
      startsAt: at(2),
      endsAt: at(2, '09:30'),
    });
    const read = await patient.api.get(headers.location ?? '');
    expect(read.body).toEqual(body);
    expect(read.headers.etag).toBe('"2"');
  });

  test('201 for a time with another offset, answered in UTC', async () => {
    const { status, body } = await book({ startsAt: at(2).replace('09:00:00.000Z', '11:30:00+02:30') });
    expect(status).toBe(201);
    expect(body.startsAt).toBe(at(2));
  });

  test('201 with endsAt instead of durationMinutes', async () => {
    const { status, body } = await book({ durationMinutes: undefined, endsAt: at(2, '09:45') });
    expect(status).toBe(201);
    expect(body.durationMinutes).toBe(45);
  });

  test('409 slot-taken when another patient holds the time, and the refused booking stays readable as rejected', async () => {
    await book();
    const other = await seedPatient(patient);
    const { status, body } = await book({ patientId: other, startsAt: at(2, '09:00') });
    expect([status, word(body)]).toEqual([409, 'slot-taken']);
    const rejected = await patient.api.get(`/appointments/${body.appointmentId}`);
    expect(rejected.body).toMatchObject({
      status: 'rejected',
      settled: true,
      lastChange: { revision: 1, outcome: 'refused', reason: 'slot-taken' },
    });
  });

  test('409 slot-taken inside the buffer after another visit', async () => {
    await book();
    const { status, body } = await book({ patientId: await seedPatient(patient), startsAt: at(2, '09:30') });
    expect([status, word(body)]).toEqual([409, 'slot-taken']);
  });

  test.each([
    ['too-soon', () => ({ startsAt: new Date(Date.now() - 60_000).toISOString() })],
    ['too-soon', () => ({ startsAt: new Date(Date.now() + 30 * 60_000).toISOString() })],
    ['beyond-horizon', () => ({ startsAt: at(32) })],
    ['outside-working-hours', () => ({ startsAt: at(2, '07:30') })],
    ['outside-working-hours', () => ({ startsAt: at(2, '17:45') })],
    ['not-on-slot-grid', () => ({ startsAt: at(2, '09:10') })],
  ] as const)('409 %s', async (expected, members) => {
    const { status, body } = await book(members());
    expect([status, word(body), body.appointmentId]).toEqual([409, expected, expect.any(String)]);
  });

  test('409 outside-working-hours when the doctor has no schedule', async () => {
    const { status, body } = await book({ doctorId: await seedDoctor(doctor, null) });
    expect([status, word(body)]).toEqual([409, 'outside-working-hours']);
  });

  test('409 patient-busy stores nothing, and comes before what the doctor’s calendar says', async () => {
    await book();
    const { status, body } = await book({ doctorId: uuidv7(), startsAt: at(2, '09:15') });
    expect([status, word(body)]).toEqual([409, 'patient-busy']);
    expect(body.appointmentId).toBeUndefined();
    const { body: list } = await patient.api.get('/appointments').query({ patientId, status: 'rejected' });
    expect(list.items).toEqual([]);
  });

  test('201 for the patient’s next appointment that touches the first', async () => {
    await book();
    const other = await seedDoctor(doctor);
    expect((await book({ doctorId: other, startsAt: at(2, '09:30') })).status).toBe(201);
  });

  test('404 not-found for an unknown patient, before anything else is asked', async () => {
    const { status, body } = await book({ patientId: uuidv7(), doctorId: uuidv7(), startsAt: at(-1) });
    expect([status, word(body)]).toEqual([404, 'not-found']);
  });

  test('404 unknown-doctor, readable as rejected', async () => {
    const { status, body } = await book({ doctorId: uuidv7(), startsAt: at(-1) });
    expect([status, word(body)]).toEqual([404, 'unknown-doctor']);
    expect((await patient.api.get(`/appointments/${body.appointmentId}`)).body.status).toBe('rejected');
  });

  test('422 names every invalid member', async () => {
    const { status, body } = await patient.api.post('/appointments').send({
      patientId: 'me',
      startsAt: '2026-12-01T09:00:00',
      durationMinutes: '30',
      room: 4,
      reason: 'x'.repeat(2001),
    });
    expect([status, word(body)]).toEqual([422, 'invalid-request']);
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      '#/doctorId',
      '#/durationMinutes',
      '#/patientId',
      '#/reason',
      '#/room',
      '#/startsAt',
    ]);
  });
});

describe('422 for a start so late that the end has no year of four digits', () => {
  const pointers = ({ status, body }: { status: number; body: { errors?: { pointer: string }[] } }) => [
    status,
    body.errors?.map(({ pointer }) => pointer),
  ];

  test.each([
    ['9999-12-31T23:50:00Z', 30],
    ['9999-12-31T23:30:00Z', 30],
    ['9999-12-31T20:00:00-03:00', 720],
  ])('POST /appointments: %s for %i minutes', async (startsAt, durationMinutes) => {
    expect(pointers(await book({ startsAt, durationMinutes }))).toEqual([422, ['#/startsAt']]);
  });

  test('POST /appointments/{id}/reschedule, with and without a length', async () => {
    const { body } = await book();
    const reschedule = (members: object) =>
      patient.api
        .post(`/appointments/${body.id}/reschedule`)
        .send({ startsAt: '9999-12-31T23:50:00Z', ...members });
    expect(pointers(await reschedule({}))).toEqual([422, ['#/startsAt']]);
    expect(pointers(await reschedule({ durationMinutes: 30 }))).toEqual([422, ['#/startsAt']]);
    expect((await patient.api.get(`/appointments/${body.id}`)).body).toMatchObject({
      revision: 1,
      version: 2,
    });
  });
});

describe('Idempotency-Key', () => {
  const send = (key: string, members: object = {}) => book(members).set('Idempotency-Key', key);

  test('the same request gets the first answer again: status, body, Location and ETag, and one appointment exists', async () => {
    const key = uuidv7();
    const first = await send(key);
    await patient.api.post(`/appointments/${first.body.id}/cancel`);
    const again = await send(key);
    expect([again.status, again.body, again.headers.location, again.headers.etag]).toEqual([
      201,
      first.body,
      first.headers.location,
      first.headers.etag,
    ]);
    expect((await patient.api.get('/appointments').query({ patientId })).body.items).toHaveLength(1);
  });

  test('a refusal is kept, though the time has become free', async () => {
    const holder = await book();
    const key = uuidv7();
    const other = await seedPatient(patient);
    const first = await send(key, { patientId: other });
    await patient.api.post(`/appointments/${holder.body.id}/cancel`);
    const again = await send(key, { patientId: other });
    expect([first.status, again.status]).toEqual([409, 409]);
    expect(again.body).toEqual(first.body);
  });

  test('patient-busy is kept, though the patient has become free', async () => {
    const holder = await book();
    const key = uuidv7();
    expect(word((await send(key)).body)).toBe('patient-busy');
    await patient.api.post(`/appointments/${holder.body.id}/cancel`);
    expect(word((await send(key)).body)).toBe('patient-busy');
  });

  test('404 forgets the key, so that the request may be mended', async () => {
    const key = uuidv7();
    expect((await send(key, { doctorId: uuidv7() })).status).toBe(404);
    expect((await send(key)).status).toBe(201);
  });

  test('422 idempotency-key-reused for another request', async () => {
    const key = uuidv7();
    await send(key);
    const { status, body } = await send(key, { durationMinutes: 60 });
    expect([status, word(body)]).toEqual([422, 'idempotency-key-reused']);
  });

  test('a key whose first try died is 409 request-in-progress for 15 seconds, then answered from its own revision', async () => {
    const key = uuidv7();
    const first = await send(key);
    await patient.db.query('update idempotency_keys set answer = null where key = $1', [key]);
    expect(word((await send(key)).body)).toBe('request-in-progress');
    await patient.db.query(
      `update idempotency_keys set created_at = now() - interval '16 seconds' where key = $1`,
      [key],
    );
    const again = await send(key);
    expect([again.status, again.body.id]).toEqual([201, first.body.id]);
  });
});
