import fc from 'fast-check';
import type { Exception } from '../schedules/exception.ts';
import { type Schedule, weekdays } from '../schedules/schedule.ts';
import { judge, offeredSlots, type Refusal } from './availability.ts';
import type { Interval } from './interval.ts';
import { offsetsWithin } from './local-time.ts';
import { type Calendar, openTime } from './open-time.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEARS = { start: Date.UTC(2020, 0), end: Date.UTC(2036, 0) };

/** Every change of the clocks in sixteen years, and an ordinary day of each zone. local-time.test.ts says why these. */
const MOMENTS = [
  'Europe/Berlin',
  'America/New_York',
  'Africa/Cairo',
  'Asia/Beirut',
  'America/Santiago',
  'America/Havana',
  'Australia/Lord_Howe',
  'Antarctica/Troll',
  'Africa/Casablanca',
  'Asia/Kathmandu',
  'Pacific/Chatham',
].flatMap((timeZone) => {
  const stretches = offsetsWithin(timeZone, YEARS);
  const changes = stretches.filter(
    ({ offset }, index) => index > 0 && offset !== stretches[index - 1]?.offset,
  );
  return [Date.UTC(2026, 5, 15), ...changes.map(({ start }) => start)].map((instant) => ({
    timeZone,
    instant,
  }));
});

function range(start: number, end: number, step: number): number[] {
  return Array.from({ length: Math.ceil((end - start) / step) }, (_, index) => start + index * step);
}

function slotsFrom(starts: readonly number[], durationMinutes: number): Interval[] {
  return starts.map((start) => ({ start, end: start + durationMinutes * MINUTE_MS }));
}

interface WallClock {
  readonly date: string;
  readonly time: string;
  readonly weekday: (typeof weekdays)[number] | undefined;
}

/** The wall clock by `Intl`, asked anew for every instant. Swedes write dates as ISO 8601 does. */
function wallClockOf(timeZone: string): (instant: number) => WallClock {
  const clock = new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  return (instant) => {
    const [date = '', time = ''] = clock.format(instant).split(' ');
    return { date, time, weekday: weekdays[(new Date(date).getUTCDay() + 6) % 7] };
  };
}

/** The local starts of the windows that are open at this moment. */
function windowsAt({ schedule, exceptions }: Calendar, { date, time, weekday }: WallClock) {
  const { weeklyHours = [], validFrom = date, validUntil = date } = schedule ?? {};
  const weekly = weeklyHours
    .filter((hours) => hours.weekday === weekday && hours.from <= time && time < hours.to)
    .map(({ from }) => `${date}T${from}`);
  const dated = exceptions.filter(({ from, to }) => from <= `${date}T${time}` && `${date}T${time}` < to);
  if (dated.some(({ kind }) => kind === 'closed')) return [];
  return [...(validFrom <= date && date <= validUntil ? weekly : []), ...dated.map(({ from }) => from)];
}

/** The rules a second time, moment by moment, with nothing but `Intl` and texts. A state lasts for whole ticks. */
function oracle(schedule: Schedule, exceptions: readonly Exception[], now: number, tickMs: number) {
  const wallClock = wallClockOf(schedule.timeZone);
  const known = new Map<number, string[]>();
  const windows = (instant: number) => {
    const found = known.get(instant) ?? windowsAt({ schedule, exceptions }, wallClock(instant));
    known.set(instant, found);
    return found;
  };
  const isOpen = (instant: number) => windows(instant).length > 0;
  const horizon = Date.parse(wallClock(now).date) + schedule.horizonDays * DAY_MS;
  const lastDate = new Date(horizon).toISOString().slice(0, 'YYYY-MM-DD'.length);

  const refusal = (reserved: readonly Interval[], { start, end }: Interval): Refusal | undefined => {
    const { date, time } = wallClock(start);
    const minutesSince = (from: string) =>
      (Date.parse(`${date}T${time}Z`) - Date.parse(`${from}Z`)) / MINUTE_MS;
    const freeUntil = end + schedule.bufferMinutes * MINUTE_MS;
    if (start < now + schedule.minimumNoticeMinutes * MINUTE_MS) return 'too-soon';
    if (date > lastDate) return 'beyond-horizon';
    if (!range(start, end, tickMs).every(isOpen)) return 'outside-working-hours';
    if (!windows(start).some((from) => minutesSince(from) % schedule.slotMinutes === 0))
      return 'not-on-slot-grid';
    if (reserved.some((other) => other.start < freeUntil && start < other.end)) return 'slot-taken';
    return undefined;
  };
  return { isOpen, refusal };
}

test('around every change of the clocks, open time and slots are what a look at each moment finds', () => {
  const hours = [
    ['00:00', '00:45'],
    ['01:15', '03:30'],
    ['03:30', '05:00'],
    ['21:45', '24:00'],
  ] as const;
  const weeklyHours = weekdays.flatMap((weekday) => hours.map(([from, to]) => ({ weekday, from, to })));
  const rules = { slotMinutes: 45, bufferMinutes: 10, minimumNoticeMinutes: 0, horizonDays: 90 };
  for (const { timeZone, instant } of MOMENTS) {
    const schedule = { ...rules, weeklyHours, timeZone };
    const calendar = { schedule, exceptions: [] };
    const now = instant - DAY_MS;
    const within = { start: instant - 4 * HOUR_MS, end: instant + 4 * HOUR_MS };
    const tickMs = 15 * MINUTE_MS;
    const ticks = range(within.start, within.end, tickMs);
    const { isOpen, refusal } = oracle(schedule, [], now, tickMs);
    const openTicks = openTime(calendar, within).flatMap(({ start, end }) => range(start, end, tickMs));
    expect(openTicks).toEqual(ticks.filter(isOpen));
    const bookable = slotsFrom(ticks, 30).filter((slot) => slot.end <= within.end && !refusal([], slot));
    expect(offeredSlots(calendar, [], now, within, 30)).toEqual(bookable);
  }
});

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}

/** A calendar and a question, around some change of the clocks; all times are multiples of `step` minutes. Frozen. */
function aSituation(step: number) {
  const minutes = (min: number, max: number) =>
    fc.integer({ min: Math.ceil(min / step), max: Math.floor(max / step) }).map((steps) => steps * step);
  const stretch = (min: number, max: number, longest: number) =>
    fc
      .tuple(minutes(min, max - step), minutes(step, longest))
      .map(([from, length]) => ({ from, to: Math.min(from + length, max) }));
  const timeOfDay = (minute: number) =>
    [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, '0')).join(':');
  const hours = fc
    .tuple(fc.subarray([...weekdays], { minLength: 3 }), stretch(0, 1_440, 600))
    .map(([days, { from, to }]) =>
      days.map((weekday) => ({ weekday, from: timeOfDay(from), to: timeOfDay(to) })),
    );

  const around = ({ timeZone, instant }: { timeZone: string; instant: number }) => {
    const [{ offset } = { offset: 0 }] = offsetsWithin(timeZone, { start: instant - 1, end: instant });
    const local = (minute: number) =>
      new Date(instant + offset + minute * MINUTE_MS).toISOString().slice(0, 16);
    const day = (min: number, max: number) =>
      fc.option(
        minutes(min, max).map((minute) => local(minute).slice(0, 10)),
        { nil: undefined },
      );
    const interval = (longest: number) =>
      stretch(-480, 480, longest).map(({ from, to }) => ({
        start: instant + from * MINUTE_MS,
        end: instant + to * MINUTE_MS,
      }));
    const exception = fc
      .tuple(fc.constantFrom('open' as const, 'closed' as const), stretch(-480, 480, 180))
      .map(([kind, { from, to }]) => ({ kind, from: local(from), to: local(to) }));
    return fc.record({
      schedule: fc.record({
        weeklyHours: fc.array(hours, { minLength: 2, maxLength: 5 }).map((windows) => windows.flat()),
        timeZone: fc.constant(timeZone),
        slotMinutes: minutes(5, 40),
        bufferMinutes: minutes(0, 30),
        minimumNoticeMinutes: minutes(0, 120),
        horizonDays: fc.integer({ min: 1, max: 3 }),
        validFrom: day(-2_000, 0),
        validUntil: day(0, 2_000),
      }),
      exceptions: fc.array(exception, { maxLength: 4 }),
      reserved: fc.array(interval(60), { maxLength: 4 }),
      now: minutes(-2 * 1_440, 0).map((minute) => instant + minute * MINUTE_MS),
      within: interval(360),
      durationMinutes: minutes(5, 90),
    });
  };
  return fc
    .constantFrom(...MOMENTS)
    .chain(around)
    .map(deepFreeze);
}

test('what is offered, and why not, is what a look at each moment finds', () => {
  fc.assert(
    fc.property(aSituation(5), ({ schedule, exceptions, reserved, now, within, durationMinutes }) => {
      const calendar = { schedule, exceptions };
      const tickMs = 5 * MINUTE_MS;
      const ticks = range(within.start, within.end, tickMs);
      const { isOpen, refusal } = oracle(schedule, exceptions, now, tickMs);
      const openTicks = openTime(calendar, within).flatMap(({ start, end }) => range(start, end, tickMs));
      expect(openTicks).toEqual(ticks.filter(isOpen));

      const slots = slotsFrom(ticks, durationMinutes);
      const refusals = slots.map((slot) => refusal(reserved, slot));
      expect(slots.map((slot) => judge(calendar, reserved, now, slot))).toEqual(refusals);
      const bookable = slots.filter((slot, index) => slot.end <= within.end && refusals[index] === undefined);
      expect(offeredSlots(calendar, reserved, now, within, durationMinutes)).toEqual(bookable);
    }),
  );
});

test('every offered slot is accepted, and no other minute is', () => {
  fc.assert(
    fc.property(aSituation(1), ({ schedule, exceptions, reserved, now, within, durationMinutes }) => {
      const calendar = { schedule, exceptions };
      const offered = offeredSlots(calendar, reserved, now, within, durationMinutes);
      const isAccepted = (slot: Interval) => judge(calendar, reserved, now, slot) === undefined;
      const slots = slotsFrom(range(within.start, within.end, MINUTE_MS), durationMinutes);
      expect(slots.filter((slot) => slot.end <= within.end && isAccepted(slot))).toEqual(offered);
      const betweenMinutes = offered.flatMap(({ start }) =>
        slotsFrom([start - 1, start + 1], durationMinutes),
      );
      expect(betweenMinutes.filter(isAccepted)).toEqual([]);
    }),
  );
});

test('the order of hours, exceptions and reservations does not matter', () => {
  fc.assert(
    fc.property(aSituation(1), ({ schedule, exceptions, reserved, now, within, durationMinutes }) => {
      const weeklyHours = schedule.weeklyHours.toReversed();
      const reversed = { schedule: { ...schedule, weeklyHours }, exceptions: exceptions.toReversed() };
      expect(offeredSlots(reversed, reserved.toReversed(), now, within, durationMinutes)).toEqual(
        offeredSlots({ schedule, exceptions }, reserved, now, within, durationMinutes),
      );
    }),
  );
});
