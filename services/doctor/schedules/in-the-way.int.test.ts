import {
  addDoctor,
  aSchedule,
  dateIn,
  everyDay,
  problemOf,
  reserve,
  whileLocked,
} from '../../testing/calendar.ts';
import { startDoctor, type TestService } from '../../testing/services.ts';

let t: TestService;
beforeAll(async () => {
  t = await startDoctor();
});
afterAll(() => t.stop());

const put = (id: string, members: Record<string, unknown> = {}) =>
  t.api.put(`/doctors/${id}/schedule`).send(aSchedule(members));

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
    await row('active', '-37 hours', '-25 hours');
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
