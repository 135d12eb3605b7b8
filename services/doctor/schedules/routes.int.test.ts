import {
  aDoctor,
  addDoctor,
  aSchedule,
  dateIn,
  everyDay,
  problemOf,
  reserve,
  whileLocked,
} from '../../testing/calendar.ts';
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

describe('PUT /doctors/{id}/schedule over reserved visits', () => {
  const day = dateIn(7);
  const mornings = { weeklyHours: everyDay('09:00', '12:00') };

  /** A doctor from 09:00 to 17:00 with a visit from 15:00 to 15:30 and one from 09:00 to 09:30. */
  async function reservedDoctor() {
    const id = await addDoctor(t, {}, aSchedule());
    const early = await reserve(t, id, `${day}T09:00:00Z`, `${day}T09:30:00Z`);
    const late = await reserve(t, id, `${day}T15:00:00Z`, `${day}T15:30:00Z`);
    return { id, early, late };
  }

  test('409 reservations-in-the-way names the visits and stores nothing', async () => {
    const { id, late } = await reservedDoctor();
    const answer = await put(id, mornings);
    expect(problemOf(answer)).toBe('409 reservations-in-the-way');
    expect(answer.body).toMatchObject({
      count: 1,
      reservations: [
        {
          appointmentId: late,
          revision: 1,
          startsAt: `${day}T15:00:00.000Z`,
          endsAt: `${day}T15:30:00.000Z`,
        },
      ],
    });
    const { body } = await t.api.get(`/doctors/${id}/schedule`).expect(200);
    expect(body).toMatchObject({ weeklyHours: everyDay('09:00', '17:00'), version: 1 });
  });

  test.each([
    ['other hours', mornings],
    ['another zone', { timeZone: 'Asia/Tokyo' }],
    ['a later first day', { validFrom: dateIn(8) }],
    ['an earlier last day', { validUntil: dateIn(6) }],
    ['no hours', { weeklyHours: [] }],
  ])('409 for %s; 200 with keepReservations', async (_name, members) => {
    const { id } = await reservedDoctor();
    expect(problemOf(await put(id, members))).toBe('409 reservations-in-the-way');
    await put(id, { ...members, keepReservations: true }).expect(200);
  });

  test.each([
    ['the same day is the first and the last', { validFrom: day, validUntil: day }],
    ['hours grow', { weeklyHours: everyDay('00:00', '24:00') }],
    [
      'hours are cut into windows that touch',
      { weeklyHours: [...everyDay('15:10', '15:45'), ...everyDay('09:00', '15:10')] },
    ],
    [
      'only grid, buffer, notice and horizon change',
      { slotMinutes: 45, bufferMinutes: 60, minimumNoticeMinutes: 43_200, horizonDays: 1 },
    ],
  ])('200 when %s', async (_name, members) => {
    const { id } = await reservedDoctor();
    await put(id, members).expect(200);
  });

  test('200 for visits that were left outside before, when hours, zone and validity stay', async () => {
    const { id } = await reservedDoctor();
    await put(id, { ...mornings, keepReservations: true }).expect(200);
    await put(id, { ...mornings, slotMinutes: 15 }).expect(200);
    expect(problemOf(await put(id, { weeklyHours: everyDay('08:00', '12:00') }))).toBe(
      '409 reservations-in-the-way',
    );
  });

  test('200 when an open exception holds the visit, 409 when a closed one takes it', async () => {
    const { id } = await reservedDoctor();
    const exception = (kind: string) => ({
      kind,
      from: `${day}T14:00`,
      to: `${day}T16:00`,
      keepReservations: true,
    });
    await t.api.post(`/doctors/${id}/exceptions`).send(exception('open')).expect(201);
    // Days before the exception, so that the calendar is read far enough.
    await reserve(t, id, `${dateIn(2)}T09:00:00Z`, `${dateIn(2)}T09:30:00Z`);
    await put(id, mornings).expect(200);
    await t.api.post(`/doctors/${id}/exceptions`).send(exception('closed')).expect(201);
    expect(problemOf(await put(id, { weeklyHours: everyDay('00:00', '24:00') }))).toBe(
      '409 reservations-in-the-way',
    );
  });

  test('409 for the first schedule, too', async () => {
    const { id, late } = await reservedDoctor();
    await t.db.query('delete from schedules where doctor_id = $1', [id]);
    const answer = await put(id, mornings);
    expect(answer.body).toMatchObject({ status: 409, count: 1, reservations: [{ appointmentId: late }] });
    await t.api.get(`/doctors/${id}/schedule`).expect(404);
    await put(id, { ...mornings, keepReservations: true }).expect(201);
  });

  test('200 when the visit ends as the hours do: its buffer may run past them', async () => {
    const id = await addDoctor(t, {}, aSchedule({ bufferMinutes: 60 }));
    await reserve(t, id, `${day}T11:30:00Z`, `${day}T12:00:00Z`);
    await put(id, mornings).expect(200);
  });

  test('200 when what would be outside has ended, was refused or released', async () => {
    const { id, late } = await reservedDoctor();
    await t.api.delete(`/reservations/${late}?revision=2`).expect(204);
    const row = (state: string, from: string, to: string) =>
      t.db.query(
        `insert into reservations (appointment_id, revision, state, doctor_id, starts_at, ends_at, during)
         select gen_random_uuid(), 1, $2, $1, s, e, tstzrange(s, e)
           from (values (now() + $3::interval, now() + $4::interval)) as t (s, e)`,
        [id, state, from, to],
      );
    await row('refused', '25 hours', '49 hours');
    await row('released', '25 hours', '49 hours');
    await row('active', '-49 hours', '-25 hours');
    await put(id, mornings).expect(200);
  });

  test('409 counts all and names the first 100, by start', async () => {
    const id = await addDoctor(t, {}, aSchedule({ weeklyHours: everyDay('00:00', '24:00') }));
    await t.db.query(
      `insert into reservations (appointment_id, revision, state, doctor_id, starts_at, ends_at, during)
       select gen_random_uuid(), 3, 'active', $1, s, s + interval '10 minutes', tstzrange(s, s + interval '10 minutes')
         from generate_series($2::timestamptz, $2::timestamptz + interval '1290 minutes', interval '10 minutes') as s`,
      [id, `${day}T00:00:00Z`],
    );
    const { body } = await put(id, mornings).expect(409);
    // 130 visits, of which 18 lie between 09:00 and 12:00.
    expect(body.count).toBe(112);
    expect(body.reservations).toHaveLength(100);
    expect(body.reservations[0]).toEqual({
      appointmentId: body.reservations[0].appointmentId,
      revision: 3,
      startsAt: `${day}T00:00:00.000Z`,
      endsAt: `${day}T00:10:00.000Z`,
    });
    const starts = body.reservations.map(({ startsAt }: { startsAt: string }) => startsAt);
    expect([...starts].sort()).toEqual(starts);
  });

  test('every change of a calendar waits for a reservation that is being made in it', async () => {
    const { id } = await reservedDoctor();
    const from = `${dateIn(9)}T00:00`;
    const to = `${dateIn(9)}T12:00`;
    const exceptions = `/doctors/${id}/exceptions`;
    const { body } = await t.api.post(exceptions).send({ kind: 'open', from, to }).expect(201);
    const lock = `select pg_advisory_xact_lock_shared(2, hashtext('${id}'))`;
    const answers = await whileLocked(t, lock, [
      () => put(id, { slotMinutes: 10 }),
      () => t.api.post(exceptions).send({ kind: 'closed', from, to }),
      () => t.api.delete(`${exceptions}/${body.id}`),
      () => t.api.delete(`/doctors/${id}`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 201, 204, 409]);
  });

  test('412 and 422 come before 409', async () => {
    const { id } = await reservedDoctor();
    expect(problemOf(await put(id, mornings).set('If-Match', '"9"'))).toBe('412 version-mismatch');
    expect(problemOf(await put(id, { ...mornings, slotMinutes: 0 }))).toBe(
      '422 invalid-request #/slotMinutes',
    );
  });
});
