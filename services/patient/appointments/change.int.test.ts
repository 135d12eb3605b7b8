import { v7 as uuidv7 } from 'uuid';
import { whileLocked } from '../../testing/calendar.ts';
import { at, invariantsBroken, seedDoctor, seedPatient } from '../../testing/clinic.ts';
import { startDoctor, startPatient, type TestService } from '../../testing/services.ts';

let doctor: TestService;
let patient: TestService;
let patientId: string;
let doctorId: string;
let id: string;

beforeAll(async () => {
  doctor = await startDoctor();
  patient = await startPatient({ doctorUrl: doctor.url });
});
beforeEach(async () => {
  patientId = await seedPatient(patient);
  doctorId = await seedDoctor(doctor, { from: '08:00', to: '18:00' });
  id = (await book({})).body.id;
});
afterEach(async () => {
  expect(await invariantsBroken(patient, doctor)).toEqual([]);
});
afterAll(async () => {
  await patient.stop();
  await doctor.stop();
});

const book = (members: object) =>
  patient.api
    .post('/appointments')
    .send({ patientId, doctorId, startsAt: at(2), durationMinutes: 30, ...members });
const post = (action: string, body: object = {}) =>
  patient.api.post(`/appointments/${id}/${action}`).send(body);
const word = (body: { type: string }) => body.type.replace('urn:problem-type:', '');
const reservation = async () => (await doctor.api.get(`/reservations/${id}`)).body;

describe('POST /appointments/{id}/reschedule', () => {
  test('200 with the new time; the old one is free', async () => {
    const { status, body, headers } = await post('reschedule', { startsAt: at(3), durationMinutes: 60 });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'booked',
      startsAt: at(3),
      endsAt: at(3, '10:00'),
      revision: 2,
      settled: true,
      lastChange: { revision: 2, outcome: 'granted' },
    });
    expect(body.requested).toBeUndefined();
    expect(headers.etag).toBe(`"${body.version}"`);
    expect((await book({ patientId: await seedPatient(patient) })).status).toBe(201);
  });

  test('200 with a time that overlaps the old one', async () => {
    expect((await post('reschedule', { durationMinutes: 60 })).body).toMatchObject({
      startsAt: at(2),
      endsAt: at(2, '10:00'),
    });
    expect((await post('reschedule', { startsAt: at(2, '09:30') })).body).toMatchObject({
      startsAt: at(2, '09:30'),
      revision: 3,
    });
  });

  test('200 with another doctor', async () => {
    const other = await seedDoctor(doctor);
    expect((await post('reschedule', { doctorId: other })).body).toMatchObject({
      doctorId: other,
      startsAt: at(2),
    });
    expect(await reservation()).toMatchObject({ doctorId: other, revision: 2, state: 'active' });
  });

  test('409 slot-taken changes nothing: the old time stays reserved', async () => {
    await book({ patientId: await seedPatient(patient), startsAt: at(2, '10:00') });
    const { status, body } = await post('reschedule', { startsAt: at(2, '10:00') });
    expect([status, word(body), body.appointmentId]).toEqual([409, 'slot-taken', id]);
    const read = await patient.api.get(`/appointments/${id}`);
    expect(read.body).toMatchObject({
      status: 'booked',
      startsAt: at(2),
      revision: 2,
      settled: true,
      lastChange: { revision: 2, outcome: 'refused', reason: 'slot-taken' },
    });
    expect(await reservation()).toMatchObject({
      state: 'refused',
      reason: 'slot-taken',
      active: { revision: 1, startsAt: at(2) },
    });
  });

  test.each([
    ['outside-working-hours', () => ({ startsAt: at(2, '07:00') })],
    ['not-on-slot-grid', () => ({ startsAt: at(2, '10:05') })],
    ['too-soon', () => ({ startsAt: at(-1) })],
    ['beyond-horizon', () => ({ startsAt: at(100) })],
  ] as const)('409 %s', async (expected, change) => {
    const { status, body } = await post('reschedule', change());
    expect([status, word(body)]).toEqual([409, expected]);
  });

  test('404 unknown-doctor changes nothing', async () => {
    const { status, body } = await post('reschedule', { doctorId: uuidv7() });
    expect([status, word(body)]).toEqual([404, 'unknown-doctor']);
    expect((await patient.api.get(`/appointments/${id}`)).body).toMatchObject({ status: 'booked', doctorId });
  });

  test('409 patient-busy when the patient has another appointment then', async () => {
    await book({ doctorId: await seedDoctor(doctor), startsAt: at(2, '11:00') });
    const { status, body } = await post('reschedule', { startsAt: at(2, '11:00') });
    expect([status, word(body)]).toEqual([409, 'patient-busy']);
    expect((await patient.api.get(`/appointments/${id}`)).body).toMatchObject({ revision: 1, settled: true });
  });

  test('409 change-in-progress, or one after the other, when two arrive at the same moment', async () => {
    const answers = await whileLocked(
      patient,
      `select from appointments where id = '${id}' for update`,
      [at(3), at(4)].map((startsAt) => () => post('reschedule', { startsAt })),
    );
    for (const { status, body } of answers)
      expect(['200', 'change-in-progress']).toContain(status === 200 ? '200' : word(body));
  });

  test('409 invalid-transition once the visit has begun, naming the state and what is allowed', async () => {
    await post('check-in');
    const { status, body } = await post('reschedule', { startsAt: at(3) });
    expect([status, word(body), body.appointmentStatus, body.allowed]).toEqual([
      409,
      'invalid-transition',
      'arrived',
      ['start', 'no-show', 'undo', 'cancel'],
    ]);
  });

  test('422 for an empty body and for unknown members', async () => {
    expect((await post('reschedule', {})).status).toBe(422);
    const { status, body } = await post('reschedule', { start: at(3) });
    expect([status, body.errors[0].pointer]).toEqual([422, '#/start']);
  });

  test('412 when If-Match names another version', async () => {
    const { status, body } = await post('reschedule', { startsAt: at(3) }).set('If-Match', '"1"');
    expect([status, word(body)]).toEqual([412, 'version-mismatch']);
  });

  test('the same key gets the first answer, though the appointment has moved on', async () => {
    const first = await post('reschedule', { startsAt: at(3) }).set('Idempotency-Key', `r-${id}`);
    await post('reschedule', { startsAt: at(4) });
    const again = await post('reschedule', { startsAt: at(3) }).set('Idempotency-Key', `r-${id}`);
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect((await patient.api.get(`/appointments/${id}`)).body.startsAt).toBe(at(4));
  });
});

describe('POST /appointments/{id}/cancel', () => {
  test('200 with who, why and when; the doctor’s time is free', async () => {
    const { status, body } = await post('cancel', {
      by: 'patient',
      reason: { code: 'ill', text: 'Has the flu' },
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'cancelled',
      revision: 2,
      settled: true,
      cancellation: { code: 'ill', text: 'Has the flu', by: 'patient', at: expect.any(String) },
    });
    expect(await reservation()).toEqual({ appointmentId: id, revision: 2, state: 'released' });
    expect((await book({})).status).toBe(201);
  });

  test('200 without a body, with only the time of it', async () => {
    const { status, body } = await patient.api.post(`/appointments/${id}/cancel`);
    expect([status, body.cancellation]).toEqual([200, { at: expect.any(String) }]);
  });

  test('409 invalid-transition when it is cancelled already, and undo does not bring it back', async () => {
    await post('cancel');
    const again = await post('cancel');
    expect([again.status, word(again.body), again.body.appointmentStatus, again.body.allowed]).toEqual([
      409,
      'invalid-transition',
      'cancelled',
      [],
    ]);
    expect(word((await post('undo')).body)).toBe('invalid-transition');
  });

  test('409 invalid-transition once the visit is in progress', async () => {
    await post('check-in');
    await post('start');
    expect(word((await post('cancel')).body)).toBe('invalid-transition');
  });

  test('422 for an unknown canceller', async () => {
    const { status, body } = await post('cancel', { by: 'nurse' });
    expect([status, body.errors]).toEqual([
      422,
      [{ pointer: '#/by', detail: 'must be one of: patient, provider, organisation' }],
    ]);
  });

  test('the same key gets 200 again', async () => {
    const first = await post('cancel').set('Idempotency-Key', `c-${id}`);
    const again = await post('cancel').set('Idempotency-Key', `c-${id}`);
    expect([again.status, again.body]).toEqual([200, first.body]);
  });
});
