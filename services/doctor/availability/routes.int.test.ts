import {
  addDoctor,
  aSchedule,
  dateIn,
  everyDay,
  nextLastSunday,
  problemOf,
  reserve,
} from '../../testing/calendar.ts';
import { startDoctor, type TestService } from '../../testing/services.ts';

const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';
const DAY_MS = 86_400_000;
const day = dateIn(7);

let t: TestService;
beforeAll(async () => {
  t = await startDoctor();
});
afterAll(() => t.stop());

interface Slot {
  startsAt: string;
  endsAt: string;
}

const ask = (id: string, query: Record<string, unknown>) =>
  t.api.get(`/doctors/${id}/availability`).query(query);

/** The day's slots, as `09:00-09:30` in UTC; with the date where it is another day's. */
async function slotsOf(id: string, query: Record<string, unknown> = {}): Promise<string[]> {
  const { body } = await ask(id, { from: `${day}T00:00:00Z`, to: `${day}T23:59:00Z`, ...query }).expect(200);
  const short = (instant: string) => instant.replace(`${day}T`, '').replace(':00.000Z', '');
  return body.slots.map(({ startsAt, endsAt }: Slot) => `${short(startsAt)}-${short(endsAt)}`);
}

describe('GET /doctors/{id}/availability', () => {
  test('200 with the slots of the schedule', async () => {
    const doctorId = await addDoctor(
      t,
      {},
      aSchedule({ timeZone: 'Asia/Kathmandu', weeklyHours: everyDay('09:00', '10:30') }),
    );
    const { body } = await ask(doctorId, { from: `${day}T00:00:00Z`, to: `${day}T12:00:00Z` }).expect(200);
    expect(body).toEqual({
      doctorId,
      timeZone: 'Asia/Kathmandu',
      slots: [
        { startsAt: `${day}T03:15:00.000Z`, endsAt: `${day}T03:45:00.000Z` },
        { startsAt: `${day}T03:45:00.000Z`, endsAt: `${day}T04:15:00.000Z` },
        { startsAt: `${day}T04:15:00.000Z`, endsAt: `${day}T04:45:00.000Z` },
      ],
    });
  });

  test('visits may be longer or shorter than the steps of the grid', async () => {
    const id = await addDoctor(
      t,
      {},
      aSchedule({ weeklyHours: everyDay('09:00', '10:30'), slotMinutes: 30 }),
    );
    expect(await slotsOf(id, { durationMinutes: 45 })).toEqual(['09:00-09:45', '09:30-10:15']);
    expect(await slotsOf(id, { durationMinutes: 5 })).toEqual(['09:00-09:05', '09:30-09:35', '10:00-10:05']);
    expect(await slotsOf(id, { durationMinutes: 720 })).toEqual([]);
  });

  test('only slots wholly in [from, to), whatever offset the instants have', async () => {
    const id = await addDoctor(t, {}, aSchedule());
    const query = { from: `${day}T11:01:00+01:00`, to: `${day}T13:00:00+02:00` };
    expect(await slotsOf(id, query)).toEqual(['10:30-11:00']);
    expect(await slotsOf(id, { ...query, from: `${day}T11:00:00+01:00` })).toEqual([
      '10:00-10:30',
      '10:30-11:00',
    ]);
  });

  test('less what is reserved and the buffers, more again when it is released', async () => {
    const id = await addDoctor(
      t,
      {},
      aSchedule({ weeklyHours: everyDay('09:00', '12:00'), bufferMinutes: 10 }),
    );
    const appointmentId = await reserve(t, id, `${day}T10:00:00Z`, `${day}T10:30:00Z`);
    // 09:30 needs its buffer until 10:10, and 10:30 is in the visit's.
    expect(await slotsOf(id)).toEqual(['09:00-09:30', '11:00-11:30', '11:30-12:00']);
    // The buffer that was in force stays with the visit.
    await t.api
      .put(`/doctors/${id}/schedule`)
      .send(aSchedule({ weeklyHours: everyDay('09:00', '12:00') }))
      .expect(200);
    expect(await slotsOf(id)).toEqual(['09:00-09:30', '09:30-10:00', '11:00-11:30', '11:30-12:00']);
    await t.api.delete(`/reservations/${appointmentId}?revision=2`).expect(204);
    expect(await slotsOf(id)).toHaveLength(6);
  });

  test('a slot at the end of the stretch is not offered when its buffer meets a visit after it', async () => {
    const id = await addDoctor(
      t,
      {},
      aSchedule({ weeklyHours: everyDay('09:00', '13:00'), bufferMinutes: 60 }),
    );
    await reserve(t, id, `${day}T11:00:00Z`, `${day}T11:30:00Z`);
    expect(await slotsOf(id, { to: `${day}T10:30:00Z` })).toEqual(['09:00-09:30', '09:30-10:00']);
  });

  test('closed exceptions take and open ones give; each open one has its own grid', async () => {
    const id = await addDoctor(
      t,
      {},
      aSchedule({ weeklyHours: everyDay('09:00', '12:00'), slotMinutes: 60 }),
    );
    const add = (kind: string, from: string, to: string) =>
      t.api
        .post(`/doctors/${id}/exceptions`)
        .send({ kind, from: `${day}T${from}`, to: `${day}T${to}` })
        .expect(201);
    await add('closed', '09:00', '10:15');
    await add('open', '18:20', '20:00');
    await add('open', '09:45', '10:45');
    expect(await slotsOf(id, { durationMinutes: 30 })).toEqual(['11:00-11:30', '18:20-18:50', '19:20-19:50']);
    expect(await slotsOf(id, { durationMinutes: 60 })).toEqual(['11:00-12:00', '18:20-19:20']);
  });

  test('nothing before now and the notice, nothing after the horizon', async () => {
    const around = everyDay('00:00', '24:00');
    const id = await addDoctor(
      t,
      {},
      aSchedule({ weeklyHours: around, slotMinutes: 60, minimumNoticeMinutes: 1_500, horizonDays: 2 }),
    );
    const { body } = await ask(id, { from: `${dateIn(-2)}T00:00:00Z`, to: `${dateIn(5)}T00:00:00Z` }).expect(
      200,
    );
    const starts = body.slots.map(({ startsAt }: Slot) => Date.parse(startsAt));
    const { rows } = await t.db.query('select now()');
    expect(starts[0]).toBeGreaterThanOrEqual(rows[0].now.getTime() + 1_499 * 60_000);
    expect(starts[0]).toBeLessThan(rows[0].now.getTime() + 1_560 * 60_000);
    expect(new Date(starts.at(-1) ?? 0).toISOString()).toBe(`${dateIn(2)}T23:00:00.000Z`);
  });

  test('the hour that spring skips is not offered, the hour that autumn repeats is twice', async () => {
    const id = await addDoctor(
      t,
      { timeZone: 'Europe/Berlin' },
      aSchedule({ weeklyHours: everyDay('01:00', '04:00'), slotMinutes: 60, horizonDays: 730 }),
    );
    const starts = async (sunday: string) => {
      const from = new Date(Date.parse(sunday) - 2 * 3_600_000).toISOString();
      const { body } = await ask(id, { from, to: `${sunday}T04:00:00Z` }).expect(200);
      return body.slots.map(({ startsAt }: Slot) => startsAt);
    };
    const spring = nextLastSunday(3);
    expect(await starts(spring)).toEqual([`${spring}T00:00:00.000Z`, `${spring}T01:00:00.000Z`]);
    const autumn = nextLastSunday(10);
    expect(await starts(autumn)).toEqual([
      `${new Date(Date.parse(autumn) - DAY_MS).toISOString().slice(0, 10)}T23:00:00.000Z`,
      `${autumn}T00:00:00.000Z`,
      `${autumn}T01:00:00.000Z`,
      `${autumn}T02:00:00.000Z`,
    ]);
    await reserve(t, id, `${spring}T00:00:00Z`, `${spring}T02:00:00Z`);
    expect(await starts(spring)).toEqual([]);
  });

  test("no slots and the doctor's zone without a schedule", async () => {
    const doctorId = await addDoctor(t, { timeZone: 'America/Lima' });
    const { body } = await ask(doctorId, { from: `${day}T00:00:00Z`, to: `${dateIn(30)}T00:00:00Z` }).expect(
      200,
    );
    expect(body).toEqual({ doctorId, timeZone: 'America/Lima', slots: [] });
  });

  test('404 for an unknown doctor', async () => {
    const answer = await ask(UNKNOWN, { from: `${day}T00:00:00Z`, to: `${dateIn(8)}T00:00:00Z` });
    expect(problemOf(answer)).toBe('404 not-found');
  });

  test('200 at the ends of what an instant can be', async () => {
    const id = await addDoctor(t, {}, aSchedule());
    for (const [from, to] of [
      ['0001-01-01T00:00:00Z', '0001-03-03T00:00:00Z'],
      ['9999-12-01T00:00:00Z', '9999-12-31T23:59:59.999Z'],
    ]) {
      expect((await ask(id, { from, to }).expect(200)).body.slots).toEqual([]);
      await t.api.get('/availability').query({ from, to, durationMinutes: 30 }).expect(200);
    }
  });

  test('what is offered is granted and nothing else is: every five minutes of a day are tried', async () => {
    const id = await addDoctor(
      t,
      { timeZone: 'Pacific/Chatham' },
      aSchedule({ weeklyHours: everyDay('08:00', '14:15'), slotMinutes: 25, bufferMinutes: 10 }),
    );
    const exception = { kind: 'open', from: `${day}T20:05`, to: `${day}T23:00` };
    await t.api.post(`/doctors/${id}/exceptions`).send(exception).expect(201);
    const query = { from: `${dateIn(6)}T17:00:00Z`, to: `${day}T11:00:00Z`, durationMinutes: 20 };
    const offered = async () =>
      (await ask(id, query).expect(200)).body.slots.map(({ startsAt }: Slot) => startsAt);
    for (const [index, startsAt] of (await offered()).entries()) {
      if (index % 5 === 2)
        await reserve(t, id, startsAt, new Date(Date.parse(startsAt) + 20 * 60_000).toISOString());
    }
    const before: string[] = await offered();
    const granted: string[] = [];
    for (let start = Date.parse(query.from); start < Date.parse(query.to); start += 300_000) {
      const startsAt = new Date(start).toISOString();
      const endsAt = new Date(start + 20 * 60_000).toISOString();
      if (endsAt > query.to) break;
      const appointmentId = crypto.randomUUID();
      const answer = await t.api
        .put(`/reservations/${appointmentId}`)
        .send({ doctorId: id, startsAt, endsAt, revision: 1 });
      if (answer.status !== 201) continue;
      granted.push(startsAt);
      await t.api.delete(`/reservations/${appointmentId}?revision=2`).expect(204);
    }
    expect(before.length).toBeGreaterThan(5);
    expect(granted).toEqual(before);
  }, 30_000);
});

const from = `${day}T00:00:00Z`;
const to = `${dateIn(8)}T00:00:00Z`;

test.each([
  [{}, 'from, to'],
  [{ from }, 'to'],
  [{ from: day, to: '2026-01-01T00:00:00' }, 'from, to'],
  [{ from, to: from }, 'to'],
  [{ from: to, to: from }, 'to'],
  [{ from, to: new Date(Date.parse(from) + 62 * DAY_MS + 1_000).toISOString() }, 'to'],
  [{ from, to, durationMinutes: 4 }, 'durationMinutes'],
  [{ from, to, durationMinutes: 721 }, 'durationMinutes'],
  [{ from, to, durationMinutes: '30.0' }, 'durationMinutes'],
  [{ from, to, durationMinutes: '' }, 'durationMinutes'],
  [{ from, to, durationMinutes: [30, 30] }, 'durationMinutes'],
  [{ from: [from, from], to }, 'from'],
  [{ from, to, limit: 3 }, 'limit'],
  [{ from, to: from, zone: 'UTC', durationMinutes: 0 }, 'durationMinutes, to, zone'],
])('GET /doctors/{id}/availability: 422 for %j', async (query, parameters) => {
  const id = await addDoctor(t);
  const answer = await ask(id, query);
  const told: string[] = answer.body.errors.map(({ parameter }: { parameter: string }) => parameter);
  expect([answer.status, told.sort()]).toEqual([422, parameters.split(', ')]);
});

test('GET /doctors/{id}/availability: 200 for 62 days', async () => {
  const id = await addDoctor(t, {}, aSchedule());
  const query = { from, to: new Date(Date.parse(from) + 62 * DAY_MS).toISOString() };
  expect((await ask(id, query).expect(200)).body.slots).toHaveLength(62 * 16);
});
