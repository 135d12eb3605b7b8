import { problemOf } from '../../testing/calendar.ts';
import { at, invariantsBroken, seedDoctor, seedPatient } from '../../testing/clinic.ts';
import { eventually, startDoctor, startPatient, type TestService } from '../../testing/services.ts';

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

describe('while the doctor service is away', () => {
  let lonely: TestService;
  beforeAll(async () => {
    lonely = await startPatient({ database: { url: patient.databaseUrl, ownerUrl: patient.ownerUrl } });
  });
  afterAll(() => lonely.stop());

  test('202 pending with Retry-After; it completes by itself', async () => {
    const { status, body, headers } = await lonely.api
      .post('/appointments')
      .send({ patientId, doctorId, startsAt: at(5), durationMinutes: 30 });
    expect([status, body.status, body.settled, body.lastChange]).toEqual([202, 'pending', false, undefined]);
    expect(headers).toMatchObject({ 'retry-after': '1', location: `/appointments/${body.id}` });
    await untilSettled(body.id, 'booked');
  });

  test('202 for a reschedule: still booked at the old time, with what is requested; other changes wait', async () => {
    const { status, body } = await lonely.api
      .post(`/appointments/${id}/reschedule`)
      .send({ startsAt: at(4) });
    expect(status).toBe(202);
    expect(body).toMatchObject({
      status: 'booked',
      startsAt: at(2),
      settled: false,
      requested: { doctorId, startsAt: at(4), endsAt: at(4, '09:30'), durationMinutes: 30 },
    });
    for (const action of ['reschedule', 'check-in', 'no-show']) {
      const waiting = await lonely.api
        .post(`/appointments/${id}/${action}`)
        .send(action === 'reschedule' ? { startsAt: at(5) } : {});
      expect([action, problemOf(waiting)]).toEqual([action, '409 change-in-progress']);
    }
    const texts = await lonely.api.patch(`/appointments/${id}`).send({ notes: 'calls back' });
    expect([texts.status, texts.body.notes]).toEqual([200, 'calls back']);
    await untilSettled(id, 'booked');
    expect((await patient.api.get(`/appointments/${id}`)).body).toMatchObject({
      startsAt: at(4),
      notes: 'calls back',
    });
  });

  test('409 patient-busy at both times while a reschedule waits', async () => {
    await lonely.api.post(`/appointments/${id}/reschedule`).send({ startsAt: at(4) });
    const other = await seedDoctor(doctor);
    for (const startsAt of [at(2), at(4)]) {
      const answer = await lonely.api
        .post('/appointments')
        .send({ patientId, doctorId: other, startsAt, durationMinutes: 30 });
      expect(problemOf(answer)).toBe('409 patient-busy');
    }
    await untilSettled(id, 'booked');
  });

  test('409 invalid-transition for actions on a pending booking: the state is judged first', async () => {
    const { body } = await lonely.api
      .post('/appointments')
      .send({ patientId, doctorId, startsAt: at(6), durationMinutes: 30 });
    for (const action of ['reschedule', 'check-in', 'undo']) {
      const answer = await lonely.api
        .post(`/appointments/${body.id}/${action}`)
        .send(action === 'reschedule' ? { startsAt: at(7) } : {});
      expect([action, problemOf(answer)]).toEqual([action, '409 invalid-transition']);
    }
    await untilSettled(body.id, 'booked');
  });

  test('a cancellation overtakes a waiting booking: its key keeps 202, the late question finds nothing', async () => {
    const request = { patientId, doctorId, startsAt: at(8), durationMinutes: 30 };
    const first = await lonely.api.post('/appointments').set('Idempotency-Key', `o-${id}`).send(request);
    const cancelled = await lonely.api.post(`/appointments/${first.body.id}/cancel`);
    expect([cancelled.status, cancelled.body.status, cancelled.body.settled]).toEqual([
      200,
      'cancelled',
      false,
    ]);
    const again = await lonely.api.post('/appointments').set('Idempotency-Key', `o-${id}`).send(request);
    expect([again.status, again.body]).toEqual([202, first.body]);
    await untilSettled(first.body.id, 'cancelled');
    expect((await doctor.api.get(`/reservations/${first.body.id}`)).body).toMatchObject({
      revision: 2,
      state: 'released',
    });
  });

  test('a cancellation answers the key of a booking whose try died: 202, as the booking waited', async () => {
    const request = { patientId, doctorId, startsAt: at(8), durationMinutes: 30 };
    const key = `died-${id}`;
    const send = () => lonely.api.post('/appointments').set('Idempotency-Key', key).send(request);
    const first = await send();
    await patient.db.query('update idempotency_keys set answer = null where key = $1', [key]);
    await lonely.api.post(`/appointments/${first.body.id}/cancel`);
    const again = await send();
    expect([again.status, again.body]).toEqual([202, first.body]);
    await untilSettled(first.body.id, 'cancelled');
  });

  test('a cancellation frees the patient’s time at once', async () => {
    await lonely.api.post(`/appointments/${id}/cancel`);
    const other = await seedDoctor(doctor);
    const again = await lonely.api
      .post('/appointments')
      .send({ patientId, doctorId: other, startsAt: at(2), durationMinutes: 30 });
    expect([again.status, again.body.status]).toEqual([202, 'pending']);
    await untilSettled(again.body.id, 'booked');
    await untilSettled(id, 'cancelled');
  });

  const untilSettled = (appointmentId: string, status: string) =>
    eventually(async () => {
      // The replica that reaches the doctor service settles it; the other one's tries only put the next try off.
      await patient.db.query('update appointments set next_try_at = now() where id = $1', [appointmentId]);
      const { body } = await patient.api.get(`/appointments/${appointmentId}`);
      expect(body).toMatchObject({ settled: true, status });
    });
});
