import { v7 as uuidv7 } from 'uuid';
import { at, halfHour, seedDoctor } from '../../testing/clinic.ts';
import { eventually, startDoctor, type TestService } from '../../testing/services.ts';

let doctor: TestService;
let doctorId: string;

beforeAll(async () => {
  doctor = await startDoctor();
});
beforeEach(async () => {
  await doctor.db.query('delete from reservations');
  doctorId = await seedDoctor(doctor);
});
afterAll(() => doctor.stop());

const put = (id: string, revision: number, half: number) =>
  doctor.api.put(`/reservations/${id}`).send({ doctorId, ...halfHour(half), revision });
const release = (id: string, revision: number) =>
  doctor.api.delete(`/reservations/${id}?revision=${revision}`);

/** All pages of a list, and how many items each had. */
async function allPages<Item>(path: string, limit: number): Promise<{ items: Item[]; sizes: number[] }> {
  const items: Item[] = [];
  const sizes: number[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { body } = await doctor.api.get(path).query({ limit, ...(cursor && { cursor }) });
    items.push(...body.items);
    sizes.push(body.items.length);
    cursor = body.nextCursor;
  }
  return { items, sizes };
}

const invalid = async (path: string, query: object) => {
  const { status, body } = await doctor.api.get(path).query(query);
  return { status, parameters: body.errors?.map(({ parameter }: { parameter: string }) => parameter) };
};

describe('GET /reservations', () => {
  test('200 with the newest revision of every appointment by id, and its active one if that is older', async () => {
    const [moved, released, refused, waiting] = [uuidv7(), uuidv7(), uuidv7(), uuidv7()];
    await put(moved, 1, 0);
    await put(moved, 2, 1);
    await put(released, 1, 2);
    await release(released, 2);
    await put(refused, 1, 1);
    await put(waiting, 1, 3);
    await put(waiting, 2, 1);
    const { status, body } = await doctor.api.get('/reservations');
    const time = (half: number) => ({ doctorId, ...halfHour(half) });
    expect(status).toBe(200);
    expect(body).toEqual({
      items: [
        { appointmentId: moved, revision: 2, state: 'active', ...time(1) },
        { appointmentId: released, revision: 2, state: 'released' },
        { appointmentId: refused, revision: 1, state: 'refused', reason: 'slot-taken', ...time(1) },
        {
          appointmentId: waiting,
          revision: 2,
          state: 'refused',
          reason: 'slot-taken',
          ...time(1),
          active: { appointmentId: waiting, revision: 1, state: 'active', ...time(3) },
        },
      ],
      nextCursor: null,
    });
  });

  test('200 in pages that have each appointment once', async () => {
    const ids = Array.from({ length: 7 }, () => uuidv7());
    for (const [half, id] of ids.entries()) await put(id, 1, half);
    const { items, sizes } = await allPages<{ appointmentId: string }>('/reservations', 3);
    expect(sizes).toEqual([3, 3, 1]);
    expect(items.map(({ appointmentId }) => appointmentId)).toEqual([...ids].sort());
  });

  test('200 with only those that have changed since', async () => {
    const [old, moved, released] = [uuidv7(), uuidv7(), uuidv7()];
    for (const [half, id] of [old, moved, released].entries()) await put(id, 1, half);
    const { rows } = await doctor.db.query<{ now: Date }>(`select date_trunc('milliseconds', now()) as now`);
    const updatedSince = rows[0]?.now.toISOString() ?? '';
    await eventually(async () => {
      const { rowCount } = await doctor.db.query(`select where now() > $1::timestamptz + interval '1 ms'`, [
        updatedSince,
      ]);
      expect(rowCount).toBe(1);
    });
    await put(moved, 2, 5);
    await release(released, 2);
    const { body } = await doctor.api.get('/reservations').query({ updatedSince });
    const ids = body.items.map(({ appointmentId }: { appointmentId: string }) => appointmentId);
    expect(ids).toEqual([moved, released].sort());
  });

  test('422 names the parameter', async () => {
    expect(await invalid('/reservations', { limit: 201 })).toEqual({ status: 422, parameters: ['limit'] });
    expect(await invalid('/reservations', { cursor: 'x' })).toEqual({ status: 422, parameters: ['cursor'] });
    expect(await invalid('/reservations', { updatedSince: '2030-01-01' })).toEqual({
      status: 422,
      parameters: ['updatedSince'],
    });
    expect(await invalid('/reservations', { doctorId })).toEqual({ status: 422, parameters: ['doctorId'] });
  });
});

describe('GET /doctors/{id}/reservations', () => {
  const agenda = () => `/doctors/${doctorId}/reservations`;
  const from = halfHour(0).startsAt;
  const to = halfHour(48).startsAt;

  test('200 with the visits by start, without the buffer and without what was released or refused', async () => {
    await doctor.db.query('update schedules set buffer_minutes = 10 where doctor_id = $1', [doctorId]);
    const [late, early, released, refused, moved] = [uuidv7(), uuidv7(), uuidv7(), uuidv7(), uuidv7()];
    await put(late, 1, 10);
    await put(early, 1, 2);
    await put(released, 1, 20);
    await release(released, 2);
    await put(refused, 1, 2);
    await put(moved, 1, 30);
    await put(moved, 2, 32);
    const { status, body } = await doctor.api.get(agenda()).query({ from, to });
    expect(status).toBe(200);
    expect(body).toEqual({
      items: [
        { appointmentId: early, revision: 1, ...halfHour(2) },
        { appointmentId: late, revision: 1, ...halfHour(10) },
        { appointmentId: moved, revision: 2, ...halfHour(32) },
      ],
      nextCursor: null,
    });
  });

  test('200 with the visits that overlap the stretch, not with those that only touch it', async () => {
    await doctor.db.query('update schedules set buffer_minutes = 30 where doctor_id = $1', [doctorId]);
    const [before, first, last, after] = [uuidv7(), uuidv7(), uuidv7(), uuidv7()];
    for (const [id, half] of [
      [before, 1],
      [first, 3],
      [last, 5],
      [after, 7],
    ] as const)
      await put(id, 1, half);
    const shown = async (start: string, end: string) => {
      const { body } = await doctor.api.get(agenda()).query({ from: start, to: end });
      return body.items.map(({ appointmentId }: { appointmentId: string }) => appointmentId);
    };
    expect(await shown(halfHour(2).startsAt, halfHour(7).startsAt)).toEqual([first, last]);
    const middle = (half: number) => new Date(Date.parse(halfHour(half).startsAt) + 900_000).toISOString();
    expect(await shown(middle(1), middle(7))).toEqual([before, first, last, after]);
  });

  test('200 in pages that have each visit once', async () => {
    for (let half = 0; half < 7; half += 1) await put(uuidv7(), 1, half);
    const path = `${agenda()}?from=${from}&to=${to}`;
    const { items, sizes } = await allPages<{ startsAt: string }>(path, 3);
    expect(sizes).toEqual([3, 3, 1]);
    expect(items.map(({ startsAt }) => startsAt)).toEqual(
      [0, 1, 2, 3, 4, 5, 6].map((n) => halfHour(n).startsAt),
    );
  });

  test('200 and empty for a doctor without visits', async () => {
    expect((await doctor.api.get(agenda()).query({ from, to })).body).toEqual({
      items: [],
      nextCursor: null,
    });
  });

  test('404 for a doctor that is unknown, deleted or no UUID', async () => {
    await doctor.db.query('update doctors set deleted_at = now() where id = $1', [doctorId]);
    for (const id of [doctorId, uuidv7(), '17'])
      expect((await doctor.api.get(`/doctors/${id}/reservations`).query({ from, to })).status).toBe(404);
  });

  test('422 without a stretch, for one that runs backwards or is longer than 62 days', async () => {
    expect(await invalid(agenda(), {})).toEqual({ status: 422, parameters: ['from', 'to'] });
    expect(await invalid(agenda(), { from, to: from })).toEqual({ status: 422, parameters: ['to'] });
    expect(await invalid(agenda(), { from: at(0), to: at(63) })).toEqual({ status: 422, parameters: ['to'] });
    expect((await doctor.api.get(agenda()).query({ from: at(0), to: at(62) })).status).toBe(200);
  });
});
