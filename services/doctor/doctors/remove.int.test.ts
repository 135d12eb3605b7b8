import {
  aDoctor,
  addDoctor,
  aSchedule,
  dateIn,
  doctorNames,
  problemOf,
  reserve,
} from '../../testing/calendar.ts';
import { startDoctor, type TestService } from '../../testing/services.ts';

let t: TestService;
beforeAll(async () => {
  t = await startDoctor();
});
afterAll(() => t.stop());

describe('DELETE /doctors/{id} and POST /doctors/{id}/restore', () => {
  test('204, and the doctor leaves every read and list; 404 again', async () => {
    const id = await addDoctor(t, { familyName: 'Leaving' }, aSchedule());
    await t.api.delete(`/doctors/${id}`).expect(204);
    const from = `${dateIn(1)}T00:00:00Z`;
    const to = `${dateIn(3)}T00:00:00Z`;
    for (const answer of [
      await t.api.delete(`/doctors/${id}`),
      await t.api.get(`/doctors/${id}`),
      await t.api.put(`/doctors/${id}`).send(aDoctor()),
      await t.api.patch(`/doctors/${id}`).send({}),
      await t.api.get(`/doctors/${id}/schedule`),
      await t.api.put(`/doctors/${id}/schedule`).send(aSchedule()),
      await t.api.get(`/doctors/${id}/exceptions`),
      await t.api.get(`/doctors/${id}/availability?from=${from}&to=${to}`),
    ])
      expect(problemOf(answer)).toBe('404 not-found');
    expect(await doctorNames(t, 'search=leaving')).toEqual([]);
    const search = await t.api.get(`/availability?from=${from}&to=${to}&durationMinutes=30&doctorId=${id}`);
    expect(search.body).toEqual({ items: [], nextCursor: null });
  });

  test('200 brings a deleted doctor back as a new version, with the schedule', async () => {
    const id = await addDoctor(t, { familyName: 'Returning' }, aSchedule());
    await t.api.delete(`/doctors/${id}`).set('If-Match', '"1"').expect(204);
    const { body, headers } = await t.api.post(`/doctors/${id}/restore`).expect(200);
    expect(body).toMatchObject({ id, familyName: 'Returning', version: 2 });
    expect(headers.etag).toBe('"2"');
    expect((await t.api.get(`/doctors/${id}`)).body).toEqual(body);
    expect(await doctorNames(t, 'search=returning')).toEqual(['Ada Returning']);
    await t.api.get(`/doctors/${id}/schedule`).expect(200);
  });

  test('200 unchanged for a doctor who is not deleted; 412 for a stale version', async () => {
    const { body: before } = await t.api.post('/doctors').send(aDoctor());
    const { body } = await t.api.post(`/doctors/${before.id}/restore`).send({}).expect(200);
    expect(body).toEqual(before);
    const stale = await t.api.post(`/doctors/${before.id}/restore`).set('If-Match', '"7"');
    expect(problemOf(stale)).toBe('412 version-mismatch');
    expect(problemOf(await t.api.post(`/doctors/${before.id}/restore`).send({ now: true }))).toBe(
      '422 invalid-request #/now',
    );
  });

  test('409 has-upcoming-reservations until they are released', async () => {
    const id = await addDoctor(t, {}, aSchedule());
    const appointment = await reserve(t, id, `${dateIn(2)}T09:00:00Z`, `${dateIn(2)}T09:30:00Z`);
    expect(problemOf(await t.api.delete(`/doctors/${id}`))).toBe('409 has-upcoming-reservations');
    await t.api.delete(`/reservations/${appointment}?revision=2`).expect(204);
    await t.api.delete(`/doctors/${id}`).expect(204);
  });

  test('204 when all reservations have ended; 409 while one is on', async () => {
    const id = await addDoctor(t, {}, aSchedule());
    const insert = (from: string, to: string) =>
      t.db.query(
        `insert into reservations (appointment_id, revision, state, doctor_id, starts_at, ends_at, during)
         select gen_random_uuid(), 1, 'active', $1, s, e, tstzrange(s, e)
           from (values (now() + $2::interval, now() + $3::interval)) as t (s, e)`,
        [id, from, to],
      );
    await insert('-2 hours', '-1 hour');
    await insert('-30 minutes', '30 minutes');
    expect(problemOf(await t.api.delete(`/doctors/${id}`))).toBe('409 has-upcoming-reservations');
    await t.db.query('delete from reservations where doctor_id = $1 and ends_at > now()', [id]);
    await t.api.delete(`/doctors/${id}`).expect(204);
  });
});
