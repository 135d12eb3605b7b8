import type { Exception } from '../schedules/exception.ts';
import { type Schedule, type WeeklyWindow, weekdays } from '../schedules/schedule.ts';
import { judge, offeredSlots } from './availability.ts';
import type { Interval } from './interval.ts';
import type { Calendar } from './open-time.ts';

/** `start/end`, as ISO 8601 writes an interval. */
function interval(text: string): Interval {
  const [start = '', end = ''] = text.split('/');
  return { start: Date.parse(start), end: Date.parse(end) };
}

function daily(...hours: readonly [from: string, to: string][]): WeeklyWindow[] {
  return weekdays.flatMap((weekday) => hours.map(([from, to]) => ({ weekday, from, to })));
}

function aCalendar(members: Partial<Schedule> = {}, exceptions: readonly Exception[] = []): Calendar {
  const schedule = {
    weeklyHours: daily(['09:00', '12:00']),
    timeZone: 'UTC',
    slotMinutes: 30,
    bufferMinutes: 0,
    minimumNoticeMinutes: 0,
    horizonDays: 730,
    ...members,
  };
  return { schedule, exceptions };
}

const NO_SCHEDULE: Calendar = { schedule: undefined, exceptions: [] };
const MONDAY = '2026-03-02T00:00Z/2026-03-03T00:00Z';

describe('offered slots', () => {
  /** Starts without their date. */
  const starts = (calendar: Calendar, within: string, durationMinutes = 30, reserved: Interval[] = []) =>
    offeredSlots(calendar, reserved, Date.parse('2026-03-01T00:00Z'), interval(within), durationMinutes).map(
      ({ start }) => new Date(start).toISOString().slice('2026-03-02T'.length, '2026-03-02T00:00'.length),
    );

  test('lie wholly within the hours', () => {
    expect(starts(aCalendar(), MONDAY, 90)).toEqual(['09:00', '09:30', '10:00', '10:30']);
  });

  test('lie wholly within the time asked for', () => {
    expect(starts(aCalendar(), '2026-03-02T09:10Z/2026-03-02T10:55Z')).toEqual(['09:30', '10:00']);
  });

  test('may span hours that touch, and midnight; all hours have their own grid', () => {
    const calendar = aCalendar({ weeklyHours: daily(['23:20', '24:00'], ['00:00', '00:50']) });
    expect(starts(calendar, '2026-03-02T12:00Z/2026-03-03T12:00Z')).toEqual(['23:20', '23:50', '00:00']);
  });

  test('stay on the grid of their hours where the clocks skip the middle', () => {
    const calendar = aCalendar({
      weeklyHours: daily(['01:15', '05:00']),
      timeZone: 'Europe/Berlin',
      slotMinutes: 40,
    });
    // On the wall: 01:15, 01:55, not 02:35, then 03:15, 03:55, 04:35.
    const expected = ['00:15', '00:55', '01:15', '01:55', '02:35'];
    expect(starts(calendar, '2026-03-29T00:00Z/2026-03-29T12:00Z', 20)).toEqual(expected);
  });

  test('come twice where the clocks repeat an hour', () => {
    const calendar = aCalendar({
      weeklyHours: daily(['01:30', '03:30']),
      timeZone: 'Europe/Berlin',
      slotMinutes: 45,
    });
    // On the wall: 01:30, 02:15, 02:15 again, 03:00.
    const expected = ['23:30', '00:15', '01:15', '02:00'];
    expect(starts(calendar, '2026-10-24T20:00Z/2026-10-25T20:00Z')).toEqual(expected);
  });

  test('of overlapping hours come from the grid of each, once', () => {
    const calendar = aCalendar({}, [
      { kind: 'open', from: '2026-03-02T10:00', to: '2026-03-02T11:15' },
      { kind: 'open', from: '2026-03-02T11:10', to: '2026-03-02T12:30' },
    ]);
    const expected = ['09:00', '09:30', '10:00', '10:30', '11:00', '11:10', '11:30', '11:40'];
    expect(starts(calendar, MONDAY)).toEqual(expected);
  });

  test('are not moved by a closed exception', () => {
    const calendar = aCalendar({}, [{ kind: 'closed', from: '2026-03-02T09:10', to: '2026-03-02T09:40' }]);
    expect(starts(calendar, MONDAY)).toEqual(['10:00', '10:30', '11:00', '11:30']);
  });

  test('respect their own buffer and that of others; it may run past closing time', () => {
    const reserved = [interval('2026-03-02T10:30Z/2026-03-02T11:10Z')];
    expect(starts(aCalendar({ bufferMinutes: 15 }), MONDAY, 30, reserved)).toEqual([
      '09:00',
      '09:30',
      '11:30',
    ]);
  });

  test('end with the last local date of the horizon', () => {
    const members = { timeZone: 'Pacific/Chatham', horizonDays: 1, slotMinutes: 480 };
    const calendar = aCalendar({ ...members, weeklyHours: daily(['00:00', '24:00']) });
    // On the wall it is 00:45 on 2 March; 3 March ends at 10:15 UTC.
    const now = Date.parse('2026-03-01T11:00Z');
    const slots = offeredSlots(calendar, [], now, interval('2026-03-02T12:00Z/2026-03-09T00:00Z'), 60);
    expect(slots).toEqual([
      interval('2026-03-02T18:15Z/2026-03-02T19:15Z'),
      interval('2026-03-03T02:15Z/2026-03-03T03:15Z'),
    ]);
  });

  test('are none without a schedule', () => {
    expect(starts(NO_SCHEDULE, MONDAY)).toEqual([]);
  });
});

describe('judge', () => {
  const now = Date.parse('2026-03-02T08:00Z');
  const calendar = aCalendar({ minimumNoticeMinutes: 60, horizonDays: 2 });
  const reserved = [interval('2026-03-02T10:00Z/2026-03-02T10:30Z')];

  test.each([
    ['nothing against a free slot', '2026-03-02T09:00Z/2026-03-02T09:30Z', undefined],
    ['too-soon inside the notice', '2026-03-02T08:59Z/2026-03-02T09:30Z', 'too-soon'],
    ['too-soon in the past', '2026-03-01T09:00Z/2026-03-01T09:30Z', 'too-soon'],
    ['too-soon in the first year', '0001-01-01T00:00Z/0001-01-01T00:30Z', 'too-soon'],
    ['nothing on the last day of the horizon', '2026-03-04T11:30Z/2026-03-04T12:00Z', undefined],
    ['beyond-horizon on the day after', '2026-03-05T00:00Z/2026-03-05T00:30Z', 'beyond-horizon'],
    ['beyond-horizon in the last year', '9999-12-31T23:00Z/9999-12-31T23:30Z', 'beyond-horizon'],
    ['outside-working-hours off the grid', '2026-03-02T12:10Z/2026-03-02T12:40Z', 'outside-working-hours'],
    ['outside-working-hours for 8,000 years', '2026-03-02T09:00Z/9999-12-31T00:00Z', 'outside-working-hours'],
    ['outside-working-hours at the end', '2026-03-02T11:30Z/2026-03-02T12:01Z', 'outside-working-hours'],
    ['not-on-slot-grid in taken time', '2026-03-02T10:10Z/2026-03-02T10:40Z', 'not-on-slot-grid'],
    ['not-on-slot-grid by 1 ms', '2026-03-02T09:30:00.001Z/2026-03-02T10:00Z', 'not-on-slot-grid'],
    ['slot-taken if another visit is there', '2026-03-02T09:30Z/2026-03-02T10:01Z', 'slot-taken'],
    ['nothing if it touches another', '2026-03-02T10:30Z/2026-03-02T11:00Z', undefined],
  ])('%s', (_name, visit, expected) => {
    expect(judge(calendar, reserved, now, interval(visit))).toBe(expected);
  });

  test('nothing against the longest visit from the end of the last day, far west', () => {
    const members = { timeZone: 'Etc/GMT+12', horizonDays: 1, weeklyHours: daily(['00:00', '24:00']) };
    // On the wall it is 20:00 on 1 March; the visit is from 23:30 on 2 March to 11:30 on 3 March.
    const visit = interval('2026-03-03T11:30Z/2026-03-03T23:30Z');
    expect(judge(aCalendar(members), [], now, visit)).toBeUndefined();
  });

  test.each([
    ['too-soon', '2026-03-02T07:59Z/2026-03-02T08:30Z'],
    ['outside-working-hours', '2026-03-02T08:00Z/2026-03-02T08:30Z'],
  ])('%s without a schedule', (expected, visit) => {
    expect(judge(NO_SCHEDULE, [], now, interval(visit))).toBe(expected);
  });
});
