import { aDoctor, addDoctor, aSchedule, everyDay, problemOf, whileLocked } from '../../testing/calendar.ts';
import { startDoctor, type TestService } from '../../testing/services.ts';

const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';

let t: TestService;
beforeAll(async () => {
  t = await startDoctor();
});
afterAll(() => t.stop());

const put = (id: string, members: Record<string, unknown> = {}) =>
  t.api.put(`/doctors/${id}/schedule`).send(aSchedule(members));

describe('PUT /doctors/{id}/schedule', () => {
  test("201 with defaults and the doctor's zone, Location and ETag", async () => {
    const id = await addDoctor(t, { timeZone: 'Asia/Kathmandu' });
    const { body, headers } = await put(id).expect(201);
    expect(body).toEqual({
      doctorId: id,
      weeklyHours: everyDay('09:00', '17:00'),
      timeZone: 'Asia/Kathmandu',
      slotMinutes: 30,
      bufferMinutes: 0,
      minimumNoticeMinutes: 0,
      horizonDays: 90,
      version: 1,
      createdAt: body.createdAt,
      updatedAt: body.createdAt,
    });
    expect(headers).toMatchObject({ location: `/doctors/${id}/schedule`, etag: '"1"' });
    const read = await t.api.get(`/doctors/${id}/schedule`).expect(200);
    expect(read.body).toEqual(body);
    expect(read.headers.etag).toBe('"1"');
    await t.api.get(`/doctors/${id}/schedule`).set('If-None-Match', '"1"').expect(304);
  });

  test('200 for the next one, which replaces all of it', async () => {
    const id = await addDoctor(t);
    const rules = {
      timeZone: 'Europe/Berlin',
      slotMinutes: 5,
      bufferMinutes: 240,
      minimumNoticeMinutes: 43_200,
      horizonDays: 730,
      validFrom: '2026-01-01',
      validUntil: '2027-12-31',
      weeklyHours: [
        { weekday: 'sunday', from: '22:00', to: '24:00' },
        { weekday: 'monday', from: '00:00', to: '06:00' },
      ],
    };
    await put(id, rules).expect(201);
    expect((await t.api.get(`/doctors/${id}/schedule`)).body).toMatchObject(rules);
    const { body, headers } = await put(id, { slotMinutes: 15 }).expect(200);
    expect(headers.etag).toBe('"2"');
    expect(headers.location).toBeUndefined();
    expect(body).toMatchObject({ slotMinutes: 15, bufferMinutes: 0, timeZone: 'UTC', version: 2 });
    expect(body).not.toHaveProperty('validFrom');
    expect(body).not.toHaveProperty('validUntil');
  });

  test('200 for what was read and edited; keepReservations is not stored', async () => {
    const id = await addDoctor(t);
    await put(id, { keepReservations: true }).expect(201);
    const { body: read } = await t.api.get(`/doctors/${id}/schedule`).expect(200);
    expect(read).not.toHaveProperty('keepReservations');
    const { body } = await t.api
      .put(`/doctors/${id}/schedule`)
      .send({ ...read, slotMinutes: 20 })
      .expect(200);
    expect(body).toEqual({ ...read, slotMinutes: 20, version: 2, updatedAt: body.updatedAt });
  });

  test("the zone is copied when it is put: the doctor's new one changes nothing until then", async () => {
    const id = await addDoctor(t, { timeZone: 'Europe/Berlin' }, aSchedule());
    await t.api
      .put(`/doctors/${id}`)
      .send(aDoctor({ timeZone: 'America/Lima' }))
      .expect(200);
    expect((await t.api.get(`/doctors/${id}/schedule`)).body.timeZone).toBe('Europe/Berlin');
    expect((await put(id).expect(200)).body.timeZone).toBe('America/Lima');
  });

  test('412 for a stale If-Match or version, and for any where there is no schedule yet', async () => {
    const id = await addDoctor(t);
    expect(problemOf(await put(id).set('If-Match', '"1"'))).toBe('412 version-mismatch');
    expect(problemOf(await put(id).set('If-Match', '*'))).toBe('412 version-mismatch');
    await put(id).expect(201);
    await put(id).set('If-Match', '"1"').expect(200);
    expect(problemOf(await put(id).set('If-Match', '"1"'))).toBe('412 version-mismatch');
    expect(problemOf(await put(id, { version: 1 }))).toBe('412 version-mismatch');
    await put(id, { version: 2 }).set('If-Match', '*').expect(200);
  });

  test('404 for an unknown doctor, a path that is no UUID, and GET before the first PUT', async () => {
    expect(problemOf(await put(UNKNOWN))).toBe('404 not-found');
    expect(problemOf(await put('me'))).toBe('404 not-found');
    expect(problemOf(await t.api.get(`/doctors/${UNKNOWN}/schedule`))).toBe('404 not-found');
    const id = await addDoctor(t);
    expect(problemOf(await t.api.get(`/doctors/${id}/schedule`))).toBe('404 not-found');
  });

  test.each([
    [{ weeklyHours: undefined }, '#/weeklyHours'],
    [{ weeklyHours: 'always' }, '#/weeklyHours'],
    [{ weeklyHours: Array(51).fill({ weekday: 'monday', from: '09:00', to: '10:00' }) }, '#/weeklyHours'],
    [
      { weeklyHours: [{ weekday: 'Monday', from: '9:00', to: '25:00' }] },
      '#/weeklyHours/0/weekday, #/weeklyHours/0/from, #/weeklyHours/0/to',
    ],
    [{ weeklyHours: [{ weekday: 'monday', from: '12:00', to: '12:00' }] }, '#/weeklyHours/0/to'],
    [{ weeklyHours: [{ weekday: 'monday', from: '22:00', to: '06:00' }] }, '#/weeklyHours/0/to'],
    [
      {
        weeklyHours: [
          { weekday: 'monday', from: '09:00', to: '12:00' },
          { weekday: 'monday', from: '11:59', to: '13:00' },
        ],
      },
      '#/weeklyHours/1',
    ],
    [{ timeZone: 'Mars/Olympus' }, '#/timeZone'],
    [{ slotMinutes: 4 }, '#/slotMinutes'],
    [{ slotMinutes: 481 }, '#/slotMinutes'],
    [{ slotMinutes: '30' }, '#/slotMinutes'],
    [{ slotMinutes: 7.5 }, '#/slotMinutes'],
    [{ bufferMinutes: 241 }, '#/bufferMinutes'],
    [{ bufferMinutes: -1 }, '#/bufferMinutes'],
    [{ minimumNoticeMinutes: 43_201 }, '#/minimumNoticeMinutes'],
    [{ horizonDays: 0 }, '#/horizonDays'],
    [{ horizonDays: 731 }, '#/horizonDays'],
    [{ validFrom: '2026-02-30' }, '#/validFrom'],
    [{ validFrom: '2026-03-02', validUntil: '2026-03-01' }, '#/validUntil'],
    [{ keepReservations: 'yes' }, '#/keepReservations'],
    [{ doctorId: UNKNOWN }, '#/doctorId'],
    [{ updatedAt: '2026-01-01T00:00:00.000Z' }, '#/updatedAt'],
    [{ lunch: true }, '#/lunch'],
  ])('422 for %j', async (members, pointers) => {
    const id = await addDoctor(t);
    expect(problemOf(await put(id, members))).toBe(`422 invalid-request ${pointers}`);
    await t.api.get(`/doctors/${id}/schedule`).expect(404);
  });

  test('a first schedule put by several at once is put once', async () => {
    const id = await addDoctor(t);
    const lock = `select pg_advisory_xact_lock_shared(2, hashtext('${id}'))`;
    const answers = await whileLocked(
      t,
      lock,
      [1, 2, 3].map(() => () => put(id)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    expect(answers.map(({ body }) => body.version).sort()).toEqual([1, 2, 3]);
  });

  test('405 with Allow for PATCH and DELETE', async () => {
    const id = await addDoctor(t);
    for (const answer of [
      await t.api.patch(`/doctors/${id}/schedule`),
      await t.api.delete(`/doctors/${id}/schedule`),
    ]) {
      expect(problemOf(answer)).toBe('405 method-not-allowed');
      expect(answer.headers.allow).toBe('PUT, GET, HEAD, OPTIONS');
    }
  });
});
