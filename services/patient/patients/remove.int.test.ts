import { v7 as uuidv7 } from 'uuid';
import { problemOf } from '../../testing/calendar.ts';
import { addPatient } from '../../testing/people.ts';
import { eventually, startPatient, type TestService } from '../../testing/services.ts';

const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';

let t: TestService;
beforeAll(async () => {
  t = await startPatient();
});
afterAll(() => t.stop());

interface Appointment {
  status: string;
  /** From now, in minutes. */
  startsIn: number;
  settled?: boolean;
}

/** An appointment of half an hour, made behind the API: some states need a clock that has moved on. */
async function seedAppointment(
  patientId: string,
  { status, startsIn, settled = true }: Appointment,
): Promise<string> {
  const id = uuidv7();
  await t.db.query(
    `insert into appointments (id, patient_id, doctor_id, starts_at, ends_at, status, answered_revision, next_try_at)
     values ($1, $2, gen_random_uuid(), now() + make_interval(mins => $3), now() + make_interval(mins => $3 + 30), $4, $5,
             now() + interval '1 day')`,
    [id, patientId, startsIn, status, settled ? 1 : 0],
  );
  return id;
}

describe('DELETE /patients/{id}', () => {
  test('204, then 404 for it and all that belongs to it, but nothing is erased', async () => {
    const id = await addPatient(t, { familyName: 'Goner' });
    const appointmentId = await seedAppointment(id, { status: 'fulfilled', startsIn: -60 });
    const entry = await t.api
      .post(`/patients/${id}/history`)
      .send({ kind: 'note', description: 'x', occurredAt: '2020' })
      .expect(201);
    const { text, headers } = await t.api.delete(`/patients/${id}`).expect(204);
    expect([text, headers['content-type']]).toEqual(['', undefined]);

    const path = `/patients/${id}`;
    for (const read of [
      path,
      `${path}/versions`,
      `${path}/versions/1`,
      `${path}/history`,
      entry.headers.location ?? '',
      `${path}/history/${appointmentId}`,
      `/appointments/${appointmentId}`,
    ])
      expect(problemOf(await t.api.get(read))).toBe('404 not-found');
    for (const write of [
      t.api.put(path),
      t.api.patch(path),
      t.api.post(`${path}/history`),
      t.api.post(`${path}/history/${entry.body.id}/amend`),
    ])
      expect(problemOf(await write.send({ familyName: 'A', birthDate: '1980' }))).toMatch(
        /^(404 not-found|422 invalid-request #\/kind)/,
      );
    expect(problemOf(await t.api.delete(path))).toBe('404 not-found');
    expect((await t.api.get('/patients?search=goner')).body.items).toEqual([]);
    expect((await t.api.get(`/appointments?patientId=${id}`)).body.items).toEqual([]);
    const { rows } = await t.db.query(
      'select deleted_at is not null as deleted from patients where id = $1',
      [id],
    );
    expect(rows).toEqual([{ deleted: true }]);
  });

  test('412 for a stale If-Match, 204 for the present one', async () => {
    const id = await addPatient(t);
    expect(problemOf(await t.api.delete(`/patients/${id}`).set('If-Match', '"2"'))).toBe(
      '412 version-mismatch',
    );
    await t.api.delete(`/patients/${id}`).set('If-Match', '"1"').expect(204);
  });

  test('404 for an unknown patient, also with If-Match', async () => {
    expect(problemOf(await t.api.delete(`/patients/${UNKNOWN}`))).toBe('404 not-found');
    expect(problemOf(await t.api.delete(`/patients/${UNKNOWN}`).set('If-Match', '"1"'))).toBe(
      '404 not-found',
    );
  });

  test.each(['pending', 'booked', 'arrived', 'in-progress'])(
    '409 has-upcoming-appointments while one that is %s has not ended',
    async (status) => {
      const id = await addPatient(t);
      await seedAppointment(id, { status, startsIn: -15 });
      expect(problemOf(await t.api.delete(`/patients/${id}`))).toBe('409 has-upcoming-appointments');
      await t.api.get(`/patients/${id}`).expect(200);
    },
  );

  test.each(['fulfilled', 'noshow', 'cancelled', 'rejected'])(
    '204 with one to come that is %s',
    async (status) => {
      const id = await addPatient(t);
      await seedAppointment(id, { status, startsIn: 60 });
      await t.api.delete(`/patients/${id}`).expect(204);
    },
  );

  test('204 with one that was booked and has ended', async () => {
    const id = await addPatient(t);
    await seedAppointment(id, { status: 'booked', startsIn: -31 });
    await t.api.delete(`/patients/${id}`).expect(204);
  });

  test('409 has-upcoming-appointments while one is not settled, though it is over and cancelled', async () => {
    const id = await addPatient(t);
    const appointmentId = await seedAppointment(id, { status: 'cancelled', startsIn: -90, settled: false });
    expect(problemOf(await t.api.delete(`/patients/${id}`))).toBe('409 has-upcoming-appointments');
    await t.db.query('update appointments set answered_revision = revision where id = $1', [appointmentId]);
    await t.api.delete(`/patients/${id}`).expect(204);
  });

  test('409 has-upcoming-appointments for one that is being booked: the deletion waits for it', async () => {
    const id = await addPatient(t);
    await t.db.query('begin');
    await t.db.query('select id from patients where id = $1 for key share', [id]);
    await seedAppointment(id, { status: 'pending', startsIn: 60, settled: false });
    const deletion = t.api.delete(`/patients/${id}`).then((answer) => answer);
    await eventually(async () => {
      const { rows } = await t.db.query(
        'select from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))',
      );
      expect(rows).toHaveLength(1);
    });
    await t.db.query('commit');
    expect(problemOf(await deletion)).toBe('409 has-upcoming-appointments');
  });
});

describe('POST /patients/{id}/restore', () => {
  const restore = (id: string) => t.api.post(`/patients/${id}/restore`);

  test('200 brings the patient back with all that belongs to it', async () => {
    const identifiers = [{ system: 'urn:back', value: '1' }];
    const id = await addPatient(t, { familyName: 'Comeback', identifiers });
    const { headers } = await t.api
      .post(`/patients/${id}/history`)
      .send({ kind: 'note', description: 'x', occurredAt: '2020' })
      .expect(201);
    await t.api.delete(`/patients/${id}`).expect(204);
    const answer = await restore(id).expect(200);
    expect(answer.headers.etag).toBe('"3"');
    expect(answer.body).toMatchObject({ id, familyName: 'Comeback', identifiers, version: 3 });
    expect(answer.body).not.toHaveProperty('deletedAt');
    expect((await t.api.get(`/patients/${id}`)).text).toBe(answer.text);
    expect((await t.api.get('/patients?search=comeback')).body.items).toEqual([answer.body]);
    expect((await t.api.get('/patients?search=comeback&deleted=true')).body.items).toEqual([]);
    await t.api.get(headers.location ?? '').expect(200);
  });

  test('200 for one that was not deleted, which stays as it is', async () => {
    const id = await addPatient(t);
    const answer = await restore(id).expect(200);
    expect([answer.headers.etag, answer.text]).toEqual(['"1"', (await t.api.get(`/patients/${id}`)).text]);
  });

  test('200 again for the same Idempotency-Key, though the patient was deleted since', async () => {
    const id = await addPatient(t);
    await t.api.delete(`/patients/${id}`).expect(204);
    const first = await restore(id).set('Idempotency-Key', 'back').expect(200);
    await t.api.delete(`/patients/${id}`).expect(204);
    const again = await restore(id).set('Idempotency-Key', 'back').expect(200);
    expect([again.text, again.headers.etag]).toEqual([first.text, first.headers.etag]);
    expect(problemOf(await t.api.get(`/patients/${id}`))).toBe('404 not-found');
  });

  test('412 for a stale If-Match, 200 for the one of the deleted state', async () => {
    const id = await addPatient(t);
    await t.api.delete(`/patients/${id}`).expect(204);
    expect(problemOf(await restore(id).set('If-Match', '"1"'))).toBe('412 version-mismatch');
    await restore(id).set('If-Match', '"2"').expect(200);
  });

  test('404 for an unknown patient, 422 for a body with members, 200 for an empty object', async () => {
    expect(problemOf(await restore(UNKNOWN))).toBe('404 not-found');
    const id = await addPatient(t);
    expect(problemOf(await restore(id).send({ all: true }))).toBe('422 invalid-request #/all');
    await restore(id).send({}).expect(200);
  });
});
