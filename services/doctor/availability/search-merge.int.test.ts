import fc from 'fast-check';
import { addDoctor, dateIn } from '../../testing/calendar.ts';
import { allPages } from '../../testing/pages.ts';
import { startDoctor, type TestService } from '../../testing/services.ts';
import type { Exception } from '../schedules/exception.ts';
import { type Schedule, weekdays } from '../schedules/schedule.ts';
import { offeredSlots } from './availability.ts';

const HOUR_MS = 3_600_000;

let t: TestService;
beforeAll(async () => {
  t = await startDoctor();
});
afterAll(() => t.stop());

interface Slot {
  doctorId: string;
  startsAt: string;
  endsAt: string;
}

type Query = Record<string, unknown>;

/** What each doctor's own list says, merged. */
async function merged(doctorIds: readonly string[], query: Query): Promise<Slot[]> {
  const lists = await Promise.all(
    doctorIds.map(async (doctorId) => {
      const { body } = await t.api.get(`/doctors/${doctorId}/availability`).query(query).expect(200);
      return body.slots.map((slot: object) => ({ doctorId, ...slot }));
    }),
  );
  return lists
    .flat()
    .sort((a, b) => (`${a.startsAt} ${a.doctorId}` < `${b.startsAt} ${b.doctorId}` ? -1 : 1));
}

interface RandomDoctor {
  schedule: Schedule;
  exceptions: Exception[];
  /** From and to in epoch milliseconds, and minutes of buffer. */
  reservations: { start: number; end: number; buffer: number }[];
}

const base = Date.parse(dateIn(2));

const timeOfDay = (quarters: number): string =>
  `${String(Math.floor(quarters / 4)).padStart(2, '0')}:${String((quarters % 4) * 15).padStart(2, '0')}`;

/** Most weekdays have hours, some have all of them. */
const weeklyHours = fc
  .tuple(
    fc.subarray([...weekdays], { minLength: 4 }),
    fc.integer({ min: 0, max: 60 }),
    fc.integer({ min: 12, max: 96 }),
  )
  .map(([days, start, length]) =>
    days.map((weekday) => ({ weekday, from: timeOfDay(start), to: timeOfDay(Math.min(start + length, 96)) })),
  );

const exception = fc
  .tuple(
    fc.constantFrom('open' as const, 'closed' as const),
    fc.integer({ min: -96, max: 500 }),
    fc.integer({ min: 1, max: 60 }),
  )
  .map(([kind, start, length]): Exception => {
    const local = (index: number) => new Date(base + index * 900_000).toISOString().slice(0, 16);
    return { kind, from: local(start), to: local(start + length) };
  });

const reservation = fc
  .tuple(
    fc.integer({ min: -20, max: 1_400 }),
    fc.integer({ min: 1, max: 40 }),
    fc.constantFrom(0, 0, 15, 240),
  )
  .map(([start, length, buffer]) => ({
    start: base + start * 300_000,
    end: base + (start + length) * 300_000,
    buffer,
  }));

const randomDoctor: fc.Arbitrary<RandomDoctor> = fc.record({
  schedule: fc.record({
    weeklyHours,
    timeZone: fc.constantFrom('UTC', 'Pacific/Chatham', 'America/Los_Angeles', 'Asia/Kathmandu'),
    slotMinutes: fc.constantFrom(15, 20, 30, 60),
    bufferMinutes: fc.constantFrom(0, 10, 240),
    minimumNoticeMinutes: fc.constantFrom(0, 0, 0, 3_000),
    horizonDays: fc.constantFrom(3, 90, 90),
  }),
  exceptions: fc.array(exception, { maxLength: 4 }),
  reservations: fc.array(reservation, { maxLength: 12 }),
});

const clinic = fc.record({
  doctors: fc.array(randomDoctor, { minLength: 1, maxLength: 4 }),
  from: fc.integer({ min: -60, max: 40 }),
  hours: fc.integer({ min: 10, max: 110 }),
  durationMinutes: fc.constantFrom(5, 30, 45, 180),
  pages: fc.integer({ min: 1, max: 15 }),
});

/** Stores a random doctor; of the reservations those that the constraint lets in, which are returned with their buffers. */
async function store({ schedule, exceptions, reservations }: RandomDoctor, specialty: string) {
  const id = await addDoctor(t, { specialties: [specialty] }, schedule);
  for (const body of exceptions)
    await t.api
      .post(`/doctors/${id}/exceptions`)
      .send({ ...body, keepReservations: true })
      .expect(201);
  const taken: { start: number; end: number }[] = [];
  for (const { start, end, buffer } of reservations) {
    const { rowCount } = await t.db.query(
      `insert into reservations (appointment_id, revision, state, doctor_id, starts_at, ends_at, during)
       values (gen_random_uuid(), 1, 'active', $1, $2, $3, tstzrange($2, $3::timestamptz + make_interval(mins => $4)))
       on conflict do nothing`,
      [id, new Date(start), new Date(end), buffer],
    );
    if (rowCount === 1) taken.push({ start, end: end + buffer * 60_000 });
  }
  return { id, calendar: { schedule, exceptions }, taken };
}

describe('GET /availability', () => {
  let run = 0;

  test("is the merge of the doctors' own lists, each as the pure function has it, whatever the size of a page", async () => {
    await fc.assert(
      fc.asyncProperty(clinic, async ({ doctors, from, hours, durationMinutes, pages }) => {
        run += 1;
        const specialty = `Clinic ${run}`;
        const stored = [];
        for (const doctor of doctors) stored.push(await store(doctor, specialty));
        const within = { start: base + from * HOUR_MS, end: base + (from + hours) * HOUR_MS };
        const query = {
          from: new Date(within.start).toISOString(),
          to: new Date(within.end).toISOString(),
          durationMinutes,
        };
        const ids = stored.map(({ id }) => id);
        for (;;) {
          const before = await merged(ids, query);
          const limit = Math.min(Math.max(Math.ceil(before.length / pages), 1), 200);
          const found = await allPages(t, '/availability', limit, { ...query, specialty });
          const pure = stored.flatMap(({ id, calendar, taken }) =>
            offeredSlots(calendar, taken, Date.now(), within, durationMinutes).map(({ start, end }) => ({
              doctorId: id,
              startsAt: new Date(start).toISOString(),
              endsAt: new Date(end).toISOString(),
            })),
          );
          // The clock has passed a slot's notice meanwhile: again.
          if (JSON.stringify(await merged(ids, query)) !== JSON.stringify(before)) continue;
          const members = { doctorName: 'Ada Example', specialties: [specialty] };
          expect(found).toEqual(before.map(({ doctorId, ...times }) => ({ doctorId, ...members, ...times })));
          expect(new Set(pure.map((slot) => JSON.stringify(slot)))).toEqual(
            new Set(before.map((slot) => JSON.stringify(slot))),
          );
          return;
        }
      }),
      { numRuns: 20 },
    );
  }, 60_000);
});
