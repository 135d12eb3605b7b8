import { v7 as uuidv7 } from 'uuid';
import { at, seedDoctor, seedPatient } from '../../testing/clinic.ts';
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
  doctorId = await seedDoctor(doctor);
});
afterAll(async () => {
  await patient.stop();
  await doctor.stop();
});

const book = async (members: object = {}): Promise<string> => {
  const { body } = await patient.api
    .post('/appointments')
    .send({ patientId, doctorId, startsAt: at(2), durationMinutes: 30, ...members });
  return body.id ?? body.appointmentId;
};
const word = (body: { type: string }) => body.type.replace('urn:problem-type:', '');

describe('check-in, start, complete, no-show, undo', () => {
  test('200 each, step by step to fulfilled and back to booked', async () => {
    const id = await book();
    const walk = ['check-in', 'start', 'complete', 'undo', 'undo', 'undo', 'check-in', 'no-show', 'undo'];
    const seen: string[] = [];
    for (const action of walk) {
      const { status, body, headers } = await patient.api.post(`/appointments/${id}/${action}`);
      expect(status).toBe(200);
      expect(headers.etag).toBe(`"${body.version}"`);
      seen.push(body.status);
    }
    expect(seen).toEqual([
      'arrived',
      'in-progress',
      'fulfilled',
      'in-progress',
      'arrived',
      'booked',
      'arrived',
      'noshow',
      'arrived',
    ]);
  });

  test('the doctor’s time and the patient’s stay taken when fulfilled or missed', async () => {
    const id = await book();
    await patient.api.post(`/appointments/${id}/no-show`);
    expect((await doctor.api.get(`/reservations/${id}`)).body.state).toBe('active');
    const other = await patient.api
      .post('/appointments')
      .send({ patientId, doctorId, startsAt: at(2), durationMinutes: 30 });
    expect(word(other.body)).toBe('patient-busy');
  });

  test('409 invalid-transition names the present state and what is allowed', async () => {
    const id = await book();
    const { status, body } = await patient.api.post(`/appointments/${id}/complete`);
    expect([status, word(body), body.appointmentStatus, body.allowed]).toEqual([
      409,
      'invalid-transition',
      'booked',
      ['check-in', 'no-show', 'reschedule', 'cancel'],
    ]);
    expect(body.detail).toBe(
      'The appointment is booked, so complete is not possible; allowed: check-in, no-show, reschedule, cancel.',
    );
  });

  test('409 invalid-transition for a rejected booking', async () => {
    const id = await book({ doctorId: uuidv7() });
    expect(word((await patient.api.post(`/appointments/${id}/check-in`)).body)).toBe('invalid-transition');
  });

  test('422 for a body with members; an empty one is fine', async () => {
    const id = await book();
    expect((await patient.api.post(`/appointments/${id}/check-in`).send({ at: 'now' })).status).toBe(422);
    expect((await patient.api.post(`/appointments/${id}/check-in`).send({})).status).toBe(200);
  });

  test('412 when If-Match is stale, 200 when it is not', async () => {
    const id = await book();
    expect((await patient.api.post(`/appointments/${id}/check-in`).set('If-Match', '"1"')).status).toBe(412);
    expect((await patient.api.post(`/appointments/${id}/check-in`).set('If-Match', '"2"')).status).toBe(200);
  });

  test('the same key gets the first answer, and the step is taken once', async () => {
    const id = await book();
    const first = await patient.api.post(`/appointments/${id}/check-in`).set('Idempotency-Key', `k-${id}`);
    await patient.api.post(`/appointments/${id}/start`);
    const again = await patient.api.post(`/appointments/${id}/check-in`).set('Idempotency-Key', `k-${id}`);
    expect([again.status, again.body]).toEqual([200, first.body]);
  });

  test('404 for an unknown appointment and for an id that is no UUID', async () => {
    expect((await patient.api.post(`/appointments/${uuidv7()}/check-in`)).status).toBe(404);
    expect((await patient.api.post('/appointments/42/check-in')).status).toBe(404);
    expect((await patient.api.post(`/appointments/${uuidv7()}/teleport`)).status).toBe(404);
  });
});

describe('PATCH /appointments/{id}', () => {
  test('200 changes reason and notes, and removes by null', async () => {
    const id = await book({ reason: 'Check-up', notes: 'old' });
    const { status, body } = await patient.api
      .patch(`/appointments/${id}`)
      .send({ reason: 'Vaccination', notes: null });
    expect([status, body.reason, body.notes, body.version]).toEqual([200, 'Vaccination', undefined, 3]);
  });

  test('200 when the whole appointment comes back with another reason', async () => {
    const id = await book();
    const { body: read } = await patient.api.get(`/appointments/${id}`);
    const { status, body } = await patient.api
      .patch(`/appointments/${id}`)
      .send({ ...read, reason: 'Vaccination' });
    expect([status, body.reason]).toEqual([200, 'Vaccination']);
  });

  test('422 for what only actions can change, 412 for a stale version', async () => {
    const id = await book();
    const changed = await patient.api
      .patch(`/appointments/${id}`)
      .send({ status: 'fulfilled', startsAt: at(4) });
    expect([changed.status, changed.body.errors.map(({ pointer }: { pointer: string }) => pointer)]).toEqual([
      422,
      ['#/status', '#/startsAt'],
    ]);
    expect((await patient.api.patch(`/appointments/${id}`).send({ version: 1, reason: 'x' })).status).toBe(
      412,
    );
    expect(
      (await patient.api.patch(`/appointments/${id}`).set('If-Match', '"1"').send({ reason: 'x' })).status,
    ).toBe(412);
  });

  test('422 for an unknown member, 415 for another media type', async () => {
    const id = await book();
    expect(
      (await patient.api.patch(`/appointments/${id}`).send({ colour: 'red' })).body.errors[0].pointer,
    ).toBe('#/colour');
    const xml = await patient.api
      .patch(`/appointments/${id}`)
      .set('content-type', 'application/xml')
      .send('<a/>');
    expect([xml.status, word(xml.body)]).toEqual([415, 'unsupported-media-type']);
  });
});

describe('GET /appointments', () => {
  test('200 by start, filtered by patient, doctor, stretch, status and change; rejected only when asked for', async () => {
    const [a, b, c] = [
      await book({ startsAt: at(5) }),
      await book({ startsAt: at(3) }),
      await book({ startsAt: at(4) }),
    ];
    const rejected = await book({ startsAt: at(4, '12:10') });
    await patient.api.post(`/appointments/${c}/cancel`);
    const ids = async (query: object) =>
      (await patient.api.get('/appointments').query(query)).body.items.map(({ id }: { id: string }) => id);
    expect(await ids({ patientId })).toEqual([b, c, a]);
    expect(await ids({ doctorId, from: at(3), to: at(5) })).toEqual([b, c]);
    expect(await ids({ patientId, status: 'cancelled' })).toEqual([c]);
    expect(await ids({ patientId, status: ['rejected', 'cancelled'] })).toEqual([c, rejected]);
    const { body } = await patient.api.get(`/appointments/${c}`);
    expect(await ids({ patientId, updatedSince: body.updatedAt })).toEqual([c]);
    expect(await ids({ patientId: uuidv7() })).toEqual([]);
  });

  test('200 page by page, without loss or repetition', async () => {
    const booked = [];
    for (let day = 2; day < 9; day += 1) booked.push(await book({ startsAt: at(day) }));
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const { body } = await patient.api
        .get('/appointments')
        .query({ patientId, limit: 3, ...(cursor === null ? {} : { cursor }) });
      expect(body.items.length).toBeLessThanOrEqual(3);
      seen.push(...body.items.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(booked);
  });

  test.each([
    [{ limit: '0' }, 'limit'],
    [{ limit: '201' }, 'limit'],
    [{ cursor: 'x' }, 'cursor'],
    [{ patientId: '42' }, 'patientId'],
    [{ from: '2026-01-01' }, 'from'],
    [{ status: 'late' }, 'status'],
    [{ room: '4' }, 'room'],
  ])('422 for %j', async (query, parameter) => {
    const { status, body } = await patient.api.get('/appointments').query(query);
    expect([status, body.errors[0].parameter]).toEqual([422, parameter]);
  });

  test('422 for a repeated parameter that is not repeatable', async () => {
    const { status, body } = await patient.api.get(
      `/appointments?patientId=${patientId}&patientId=${patientId}`,
    );
    expect([status, body.errors]).toEqual([
      422,
      [{ parameter: 'patientId', detail: 'must not be repeated' }],
    ]);
  });
});

describe('GET /appointments/{id}', () => {
  test('304 when the version is known', async () => {
    const id = await book();
    const { status, text, headers } = await patient.api
      .get(`/appointments/${id}`)
      .set('If-None-Match', '"2"');
    expect([status, text, headers.etag]).toEqual([304, '', '"2"']);
  });

  test('404 when the patient has been deleted, and in no list', async () => {
    const id = await book();
    await patient.api.post(`/appointments/${id}/cancel`);
    await patient.db.query('update patients set deleted_at = now() where id = $1', [patientId]);
    for (const path of [`/appointments/${id}`, `/appointments/${id}.ics`])
      expect((await patient.api.get(path)).status).toBe(404);
    expect((await patient.api.get('/appointments').query({ doctorId })).body.items).toEqual([]);
    expect((await patient.api.post(`/appointments/${id}/undo`)).status).toBe(404);
  });
});

describe('GET /appointments/{id}.ics', () => {
  test('200 text/calendar without reason and notes; the sequence grows with each change', async () => {
    const id = await book({ reason: 'Secret reason', notes: 'Secret notes' });
    const first = await patient.api.get(`/appointments/${id}.ics`);
    expect([first.status, first.headers['content-type']]).toEqual([200, 'text/calendar; charset=utf-8']);
    expect(first.text).not.toContain('Secret');
    await patient.api.post(`/appointments/${id}/reschedule`).send({ startsAt: at(3) });
    const second = await patient.api.get(`/appointments/${id}.ics`);
    const sequence = (text: string) => Number(/SEQUENCE:(\d+)/.exec(text)?.[1]);
    const uid = (text: string) => /UID:(.*)\r/.exec(text)?.[1];
    expect(sequence(second.text)).toBeGreaterThan(sequence(first.text));
    expect(uid(second.text)).toBe(uid(first.text));
  });
});

test('no answer, log line or metric of a refusal repeats what the patient wrote', async () => {
  await patient.api.post('/appointments').send({
    patientId,
    doctorId,
    startsAt: at(2),
    durationMinutes: 30,
    reason: 'Canary reason',
    notes: 'Canary notes',
  });
  await patient.api
    .post('/appointments')
    .send({ patientId, doctorId, startsAt: at(2), durationMinutes: 'x', reason: 'Canary reason', canary: 1 });
  expect(patient.logged() + doctor.logged() + (await patient.api.get('/metrics')).text).not.toContain(
    'Canary',
  );
});
