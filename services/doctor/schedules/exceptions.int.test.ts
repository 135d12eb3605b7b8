import { addDoctor, aSchedule, dateIn, everyDay, problemOf, reserve } from '../../testing/calendar.ts';
import { allPages } from '../../testing/pages.ts';
import { startDoctor, type TestService } from '../../testing/services.ts';

const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';
const day = dateIn(7);

let t: TestService;
beforeAll(async () => {
  t = await startDoctor();
});
afterAll(() => t.stop());

const exception = (
  kind: 'open' | 'closed',
  from: string,
  to: string,
  more: Record<string, unknown> = {},
) => ({
  kind,
  from: `${day}T${from}`,
  to: `${day}T${to}`,
  ...more,
});

const post = (id: string, body: object) => t.api.post(`/doctors/${id}/exceptions`).send(body);

async function add(id: string, body: object): Promise<string> {
  return (await post(id, body).expect(201)).body.id;
}

describe('POST /doctors/{id}/exceptions', () => {
  test('201 with the exception, Location and ETag; readable there', async () => {
    const doctorId = await addDoctor(t, {}, aSchedule());
    const sent = exception('closed', '12:00', '13:00', { reason: 'Lunch' });
    const { body, headers } = await post(doctorId, { ...sent, keepReservations: false }).expect(201);
    expect(body).toEqual({ ...sent, id: body.id, doctorId, createdAt: body.createdAt });
    expect(headers).toMatchObject({ location: `/doctors/${doctorId}/exceptions/${body.id}`, etag: '"1"' });
    const read = await t.api.get(headers.location ?? '').expect(200);
    expect(read.body).toEqual(body);
    expect(read.headers.etag).toBe('"1"');
    await t.api
      .get(headers.location ?? '')
      .set('If-None-Match', '"1"')
      .expect(304);
  });

  test('201 without a schedule, to take effect with one', async () => {
    const id = await addDoctor(t);
    await add(id, exception('open', '20:00', '21:00'));
    await add(id, exception('closed', '09:00', '16:00'));
    const slots = () =>
      t.api.get(`/doctors/${id}/availability?from=${day}T00:00:00Z&to=${day}T23:59:00Z&durationMinutes=60`);
    expect((await slots()).body.slots).toEqual([]);
    await t.api.put(`/doctors/${id}/schedule`).send(aSchedule()).expect(201);
    expect((await slots()).body.slots).toEqual([
      { startsAt: `${day}T16:00:00.000Z`, endsAt: `${day}T17:00:00.000Z` },
      { startsAt: `${day}T20:00:00.000Z`, endsAt: `${day}T21:00:00.000Z` },
    ]);
  });

  test('the same answer again for the same Idempotency-Key, and one exception', async () => {
    const id = await addDoctor(t);
    const send = () => post(id, exception('open', '20:00', '21:00')).set('Idempotency-Key', 'evening');
    const first = await send().expect(201);
    const again = await send().expect(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers.location).toBe(first.headers.location);
    expect((await t.api.get(`/doctors/${id}/exceptions`)).body.items).toHaveLength(1);
  });

  test('404 for an unknown doctor', async () => {
    expect(problemOf(await post(UNKNOWN, exception('open', '20:00', '21:00')))).toBe('404 not-found');
  });

  test.each([
    [{}, '#/kind, #/from, #/to'],
    [exception('open', '20:00', '20:00'), '#/to'],
    [{ ...exception('open', '20:00', '21:00'), kind: 'busy' }, '#/kind'],
    [{ ...exception('open', '20:00', '21:00'), from: `${day}T20:00:00Z` }, '#/from'],
    [{ ...exception('open', '20:00', '21:00'), to: '2026-02-30T10:00' }, '#/to'],
    [exception('open', '20:00', '21:00', { reason: 'a'.repeat(2_001) }), '#/reason'],
    [exception('open', '20:00', '21:00', { keepReservations: 1, note: '' }), '#/keepReservations, #/note'],
  ])('422 for %j', async (body, pointers) => {
    const id = await addDoctor(t);
    expect(problemOf(await post(id, body))).toBe(`422 invalid-request ${pointers}`);
  });
});

describe('closing over reserved time', () => {
  async function reservedDoctor(schedule: Record<string, unknown> = {}) {
    const id = await addDoctor(t, {}, aSchedule({ timeZone: 'Asia/Tokyo', bufferMinutes: 30, ...schedule }));
    // 15:00 to 15:30 in Tokyo.
    const appointmentId = await reserve(t, id, `${day}T06:00:00Z`, `${day}T06:30:00Z`);
    return { id, appointmentId };
  }

  test("409 reservations-in-the-way in the schedule's zone, and nothing is stored", async () => {
    const { id, appointmentId } = await reservedDoctor();
    const answer = await post(id, exception('closed', '15:29', '18:00'));
    expect(problemOf(answer)).toBe('409 reservations-in-the-way');
    expect(answer.body).toMatchObject({
      count: 1,
      reservations: [
        { appointmentId, revision: 1, startsAt: `${day}T06:00:00.000Z`, endsAt: `${day}T06:30:00.000Z` },
      ],
    });
    expect((await t.api.get(`/doctors/${id}/exceptions`)).body.items).toEqual([]);
  });

  test('201 with keepReservations, which is not echoed', async () => {
    const { id, appointmentId } = await reservedDoctor();
    const { body } = await post(id, exception('closed', '00:00', '18:00', { keepReservations: true })).expect(
      201,
    );
    expect(body).not.toHaveProperty('keepReservations');
    expect((await t.api.get(`/reservations/${appointmentId}`)).body.state).toBe('active');
  });

  test('201 right before the visit, and over its buffer right after it', async () => {
    const { id } = await reservedDoctor();
    await add(id, exception('closed', '14:00', '15:00'));
    await add(id, exception('closed', '15:30', '16:00'));
  });

  test('201 for an open exception over it', async () => {
    const { id } = await reservedDoctor();
    await add(id, exception('open', '14:00', '20:00'));
  });

  test('201 where there is no schedule', async () => {
    const { id } = await reservedDoctor();
    await t.db.query('delete from schedules where doctor_id = $1', [id]);
    await add(id, exception('closed', '00:00', '23:59'));
  });

  test('201 when the visit has ended', async () => {
    const id = await addDoctor(t, {}, aSchedule());
    await t.db.query(
      `insert into reservations (appointment_id, revision, state, doctor_id, starts_at, ends_at, during)
       select gen_random_uuid(), 1, 'active', $1, s, e, tstzrange(s, e)
         from (values (now() - interval '2 hours', now() - interval '1 second')) as t (s, e)`,
      [id],
    );
    await add(id, { kind: 'closed', from: `${dateIn(-2)}T00:00`, to: `${dateIn(2)}T00:00` });
  });

  test('the 409 stays with its Idempotency-Key', async () => {
    const { id, appointmentId } = await reservedDoctor();
    const send = () => post(id, exception('closed', '09:00', '18:00')).set('Idempotency-Key', `close ${id}`);
    const first = await send().expect(409);
    await t.api.delete(`/reservations/${appointmentId}?revision=2`).expect(204);
    expect((await send().expect(409)).text).toBe(first.text);
    await post(id, exception('closed', '09:00', '18:00')).expect(201);
  });
});

describe('DELETE /doctors/{id}/exceptions/{exceptionId}', () => {
  const remove = (id: string, exceptionId: string, query = '') =>
    t.api.delete(`/doctors/${id}/exceptions/${exceptionId}${query}`);

  /** A doctor of mornings with an open evening and a visit in it. */
  async function openEvening(more: { from?: string; to?: string } = {}) {
    const id = await addDoctor(t, {}, aSchedule({ weeklyHours: everyDay('09:00', '12:00') }));
    const exceptionId = await add(id, exception('open', more.from ?? '18:00', more.to ?? '20:00'));
    const appointmentId = await reserve(t, id, `${day}T18:30:00Z`, `${day}T19:00:00Z`);
    return { id, exceptionId, appointmentId };
  }

  test('204, and 404 again', async () => {
    const id = await addDoctor(t, {}, aSchedule());
    const exceptionId = await add(id, exception('closed', '09:00', '12:00'));
    await remove(id, exceptionId).expect(204);
    expect(problemOf(await remove(id, exceptionId))).toBe('404 not-found');
    expect(problemOf(await t.api.get(`/doctors/${id}/exceptions/${exceptionId}`))).toBe('404 not-found');
  });

  test("404 for another doctor's, and for no UUID", async () => {
    const [id, other] = [await addDoctor(t), await addDoctor(t)];
    const exceptionId = await add(id, exception('closed', '09:00', '12:00'));
    for (const answer of [
      await remove(other, exceptionId),
      await remove(id, 'lunch'),
      await t.api.get(`/doctors/${other}/exceptions/${exceptionId}`),
      await t.api.get(`/doctors/${id}/exceptions/${UNKNOWN}`),
    ])
      expect(problemOf(answer)).toBe('404 not-found');
  });

  test('412 for another version', async () => {
    const id = await addDoctor(t);
    const exceptionId = await add(id, exception('closed', '09:00', '12:00'));
    expect(problemOf(await remove(id, exceptionId).set('If-Match', '"2"'))).toBe('412 version-mismatch');
    await remove(id, exceptionId).set('If-Match', '"1"').expect(204);
  });

  test('409 reservations-in-the-way for an open one under a visit; 204 with keepReservations', async () => {
    const { id, exceptionId, appointmentId } = await openEvening();
    const answer = await remove(id, exceptionId);
    expect(problemOf(answer)).toBe('409 reservations-in-the-way');
    expect(answer.body).toMatchObject({ count: 1, reservations: [{ appointmentId, revision: 1 }] });
    await t.api.get(`/doctors/${id}/exceptions/${exceptionId}`).expect(200);
    expect(problemOf(await remove(id, exceptionId, '?keepReservations=false'))).toBe(
      '409 reservations-in-the-way',
    );
    await remove(id, exceptionId, '?keepReservations=true').expect(204);
  });

  test('204 for an open one whose visit lies in other open time as well', async () => {
    const { id, exceptionId } = await openEvening();
    await add(id, exception('open', '18:30', '19:30'));
    await remove(id, exceptionId).expect(204);
  });

  test('409 when other open time covers a part of the visit only', async () => {
    const { id, exceptionId } = await openEvening();
    await add(id, exception('open', '18:45', '19:30'));
    expect(problemOf(await remove(id, exceptionId))).toBe('409 reservations-in-the-way');
  });

  test('204 for an open one beside visits that were left outside before', async () => {
    const { id } = await openEvening();
    const beside = await add(id, exception('open', '20:00', '21:00'));
    await add(id, exception('closed', '18:00', '19:00', { keepReservations: true }));
    await remove(id, beside).expect(204);
  });

  test('204 for a closed one, whatever is reserved under it, outside open time too', async () => {
    const { id, exceptionId } = await openEvening();
    const closed = await add(id, exception('closed', '18:00', '19:00', { keepReservations: true }));
    await remove(id, exceptionId, '?keepReservations=true').expect(204);
    await remove(id, closed).expect(204);
  });

  test.each([
    'keepReservations=yes',
    'keepReservations=',
    'keepReservations=true&keepReservations=true',
    'keep=true',
  ])('422 for ?%s', async (query) => {
    const { id, exceptionId } = await openEvening();
    const parameter = query.split('=')[0];
    expect(problemOf(await remove(id, exceptionId, `?${query}`))).toBe(`422 invalid-request ${parameter}`);
  });
});

describe('GET /doctors/{id}/exceptions', () => {
  test('those that overlap [from, to), by their start; pages are the whole', async () => {
    const id = await addDoctor(t);
    const other = await addDoctor(t);
    await add(other, exception('closed', '00:00', '23:00'));
    const hours = ['15:00', '09:00', '12:00', '09:00', '18:00'];
    for (const from of hours) await add(id, exception('closed', from, `${Number(from.slice(0, 2)) + 2}:00`));
    const list = async (query: string) => {
      const { body } = await t.api.get(`/doctors/${id}/exceptions?${query}`).expect(200);
      return body;
    };
    const starts = async (query: string) =>
      (await list(query)).items.map(({ from }: { from: string }) => from.slice(11));
    expect(await starts('')).toEqual(['09:00', '09:00', '12:00', '15:00', '18:00']);
    expect(await starts(`from=${day}T11:00&to=${day}T15:00`)).toEqual(['12:00']);
    expect(await starts(`from=${day}T10:59&to=${day}T15:01`)).toEqual(['09:00', '09:00', '12:00', '15:00']);
    expect(await starts(`from=${day}T17:00`)).toEqual(['18:00']);
    expect(await starts(`to=${day}T09:00`)).toEqual([]);

    const whole = (await list('')).items;
    expect(await allPages(t, `/doctors/${id}/exceptions`, 1)).toEqual(whole);
  });

  const forged = (sortKey: string) =>
    Buffer.from(JSON.stringify(['from', sortKey, UNKNOWN])).toString('base64url');

  test.each([
    ['from=2026-03-02T10:00:00Z', 'from'],
    ['from=2026-03-02', 'from'],
    ['to=2026-02-30T10:00', 'to'],
    ['from=2026-03-02T10:00&to=2026-03-02T10:00', 'to'],
    ['limit=0&kind=open', 'limit, kind'],
    ['cursor=abc', 'cursor'],
    [`cursor=${forged('2026-02-30 10:00:00')}`, 'cursor'],
    [`cursor=${forged('yesterday 10:00:00')}`, 'cursor'],
  ])('422 for ?%s', async (query, parameters) => {
    const id = await addDoctor(t);
    expect(problemOf(await t.api.get(`/doctors/${id}/exceptions?${query}`))).toBe(
      `422 invalid-request ${parameters}`,
    );
  });

  test('404 for an unknown doctor, an empty list for one without exceptions', async () => {
    expect(problemOf(await t.api.get(`/doctors/${UNKNOWN}/exceptions`))).toBe('404 not-found');
    const id = await addDoctor(t);
    expect((await t.api.get(`/doctors/${id}/exceptions`)).body).toEqual({ items: [], nextCursor: null });
  });
});
