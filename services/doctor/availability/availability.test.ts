import type { Exception } from '../schedules/exception.ts';
import type { Schedule, WeeklyWindow } from '../schedules/schedule.ts';
import { weekdays } from '../schedules/schedule.ts';
import {
  type Calendar,
  judge,
  offeredSlots,
  openTime,
  visitsOutsideOpenTime,
  visitsUnder,
} from './availability.ts';
import type { Interval } from './interval.ts';

const at = (text: string) => Date.parse(text);
const iso = (instant: number) => new Date(instant).toISOString().replace(':00.000Z', 'Z');
const between = (start: string, end: string): Interval => Object.freeze({ start: at(start), end: at(end) });
const shown = (intervals: readonly Interval[]) =>
  intervals.map(({ start, end }) => `${iso(start)} ${iso(end)}`);

const daily = (...hours: readonly [from: string, to: string][]): WeeklyWindow[] =>
  weekdays.flatMap((weekday) => hours.map(([from, to]) => ({ weekday, from, to })));
const closed = (from: string, to: string): Exception => ({ kind: 'closed', from, to });
const open = (from: string, to: string): Exception => ({ kind: 'open', from, to });

/** 2 March 2026 is a Monday. */
const NOW = at('2026-03-01T00:00Z');

function aSchedule(members: Partial<Schedule> = {}): Schedule {
  return {
    weeklyHours: daily(['09:00', '12:00']),
    timeZone: 'UTC',
    slotMinutes: 30,
    bufferMinutes: 0,
    minimumNoticeMinutes: 0,
    horizonDays: 730,
    ...members,
  };
}

function aCalendar(members: Partial<Schedule> = {}, ...exceptions: Exception[]): Calendar {
  return { schedule: aSchedule(members), exceptions };
}

describe('open time', () => {
  const berlin = 'Europe/Berlin';
  const cases: [name: string, calendar: Calendar, from: string, to: string, expected: string[]][] = [
    [
      'weekly hours on their weekday only',
      aCalendar({ weeklyHours: [{ weekday: 'tuesday', from: '09:00', to: '12:00' }] }),
      '2026-03-01T00:00Z',
      '2026-03-08T00:00Z',
      ['2026-03-03T09:00Z 2026-03-03T12:00Z'],
    ],
    [
      'several windows a day',
      aCalendar({ weeklyHours: daily(['13:00', '17:00'], ['08:00', '12:00']) }),
      '2026-03-02T00:00Z',
      '2026-03-03T00:00Z',
      ['2026-03-02T08:00Z 2026-03-02T12:00Z', '2026-03-02T13:00Z 2026-03-02T17:00Z'],
    ],
    [
      'windows that touch are joined',
      aCalendar({ weeklyHours: daily(['08:00', '12:00'], ['12:00', '13:00']) }),
      '2026-03-02T00:00Z',
      '2026-03-03T00:00Z',
      ['2026-03-02T08:00Z 2026-03-02T13:00Z'],
    ],
    [
      'a shift over midnight is two windows that join',
      aCalendar({
        weeklyHours: [
          { weekday: 'monday', from: '22:00', to: '24:00' },
          { weekday: 'tuesday', from: '00:00', to: '06:00' },
        ],
      }),
      '2026-03-02T00:00Z',
      '2026-03-04T00:00Z',
      ['2026-03-02T22:00Z 2026-03-03T06:00Z'],
    ],
    [
      'all day, every day',
      aCalendar({ weeklyHours: daily(['00:00', '24:00']), timeZone: berlin }),
      '2026-03-28T12:00Z',
      '2026-04-02T12:00Z',
      ['2026-03-28T12:00Z 2026-04-02T12:00Z'],
    ],
    [
      'clamped at both ends',
      aCalendar(),
      '2026-03-02T10:00Z',
      '2026-03-02T11:00Z',
      ['2026-03-02T10:00Z 2026-03-02T11:00Z'],
    ],
    [
      'asked early in a UTC day, evening of the day before on the wall',
      aCalendar({
        weeklyHours: [{ weekday: 'monday', from: '17:00', to: '20:00' }],
        timeZone: 'America/Los_Angeles',
      }),
      '2026-03-03T00:00Z',
      '2026-03-03T06:00Z',
      ['2026-03-03T01:00Z 2026-03-03T04:00Z'],
    ],
    [
      'the clocks skip the start of a window',
      aCalendar({ weeklyHours: daily(['02:30', '04:00']), timeZone: berlin }),
      '2026-03-29T00:00Z',
      '2026-03-29T12:00Z',
      ['2026-03-29T01:00Z 2026-03-29T02:00Z'],
    ],
    [
      'the clocks skip a window',
      aCalendar({ weeklyHours: daily(['02:00', '03:00']), timeZone: berlin }),
      '2026-03-29T00:00Z',
      '2026-03-29T12:00Z',
      [],
    ],
    [
      'the clocks repeat a window',
      aCalendar({ weeklyHours: daily(['02:00', '02:30']), timeZone: berlin }),
      '2026-10-25T00:00Z',
      '2026-10-25T12:00Z',
      ['2026-10-25T00:00Z 2026-10-25T00:30Z', '2026-10-25T01:00Z 2026-10-25T01:30Z'],
    ],
    [
      'a window across the change lasts longer',
      aCalendar({ weeklyHours: daily(['01:00', '04:00']), timeZone: berlin }),
      '2026-10-24T12:00Z',
      '2026-10-25T12:00Z',
      ['2026-10-24T23:00Z 2026-10-25T03:00Z'],
    ],
    [
      'the same local hours after the change',
      aCalendar({ weeklyHours: daily(['09:00', '10:00']), timeZone: berlin }),
      '2026-03-28T00:00Z',
      '2026-03-30T00:00Z',
      ['2026-03-28T08:00Z 2026-03-28T09:00Z', '2026-03-29T07:00Z 2026-03-29T08:00Z'],
    ],
    [
      'a day that begins at 01:00',
      aCalendar({ weeklyHours: daily(['00:00', '02:00']), timeZone: 'Africa/Cairo' }),
      '2026-04-23T20:00Z',
      '2026-04-24T20:00Z',
      ['2026-04-23T22:00Z 2026-04-23T23:00Z'],
    ],
    [
      'hours to 24:00 include the repeated hour',
      aCalendar({ weeklyHours: daily(['22:30', '24:00']), timeZone: 'Africa/Cairo' }),
      '2026-10-29T12:00Z',
      '2026-10-30T12:00Z',
      ['2026-10-29T19:30Z 2026-10-29T22:00Z'],
    ],
    [
      'only from validFrom to validUntil, both included',
      aCalendar({ validFrom: '2026-03-03', validUntil: '2026-03-04' }),
      '2026-03-01T00:00Z',
      '2026-03-31T00:00Z',
      ['2026-03-03T09:00Z 2026-03-03T12:00Z', '2026-03-04T09:00Z 2026-03-04T12:00Z'],
    ],
    [
      'open exceptions add hours, outside the validity too',
      aCalendar(
        { validUntil: '2026-03-02' },
        open('2026-03-02T11:00', '2026-03-02T14:00'),
        open('2026-03-07T20:00', '2026-03-08T02:00'),
      ),
      '2026-03-02T00:00Z',
      '2026-03-31T00:00Z',
      ['2026-03-02T09:00Z 2026-03-02T14:00Z', '2026-03-07T20:00Z 2026-03-08T02:00Z'],
    ],
    [
      'closed exceptions take hours, from open ones too',
      aCalendar(
        {},
        open('2026-03-02T11:00', '2026-03-02T14:00'),
        closed('2026-03-02T10:00', '2026-03-02T13:00'),
      ),
      '2026-03-02T00:00Z',
      '2026-03-03T00:00Z',
      ['2026-03-02T09:00Z 2026-03-02T10:00Z', '2026-03-02T13:00Z 2026-03-02T14:00Z'],
    ],
    [
      'an exception takes both of the repeated hours',
      aCalendar(
        { weeklyHours: daily(['01:00', '04:00']), timeZone: berlin },
        closed('2026-10-25T02:00', '2026-10-25T02:30'),
      ),
      '2026-10-24T12:00Z',
      '2026-10-25T12:00Z',
      [
        '2026-10-24T23:00Z 2026-10-25T00:00Z',
        '2026-10-25T00:30Z 2026-10-25T01:00Z',
        '2026-10-25T01:30Z 2026-10-25T03:00Z',
      ],
    ],
    [
      'closed for all that a date can say',
      aCalendar({}, closed('0001-01-01T00:00', '9999-12-31T23:59')),
      '2026-03-01T00:00Z',
      '2026-03-31T00:00Z',
      [],
    ],
    ['no weekly hours', aCalendar({ weeklyHours: [] }), '2026-03-01T00:00Z', '2026-03-31T00:00Z', []],
    [
      'no schedule, whatever the exceptions say',
      { schedule: undefined, exceptions: [open('2026-03-02T11:00', '2026-03-02T14:00')] },
      '2026-03-01T00:00Z',
      '2026-03-31T00:00Z',
      [],
    ],
  ];

  test.each(cases)('%s', (_name, calendar, from, to, expected) => {
    expect(shown(openTime(calendar, between(from, to)))).toEqual(expected);
  });
});

describe('offered slots', () => {
  const starts = (
    calendar: Calendar,
    from: string,
    to: string,
    reserved: Interval[] = [],
    durationMinutes = 30,
  ) =>
    offeredSlots(calendar, reserved, NOW, between(from, to), durationMinutes).map(({ start }) =>
      iso(start).slice(11),
    );

  test('lie wholly within the hours', () => {
    expect(starts(aCalendar(), '2026-03-02T00:00Z', '2026-03-03T00:00Z', [], 90)).toEqual([
      '09:00Z',
      '09:30Z',
      '10:00Z',
      '10:30Z',
    ]);
  });

  test('lie wholly within the time asked for', () => {
    expect(starts(aCalendar(), '2026-03-02T09:10Z', '2026-03-02T10:55Z')).toEqual(['09:30Z', '10:00Z']);
  });

  test('may span windows that touch, and midnight; each window has its own grid', () => {
    const calendar = aCalendar({ weeklyHours: daily(['23:20', '24:00'], ['00:00', '00:50']) });
    expect(starts(calendar, '2026-03-02T12:00Z', '2026-03-03T12:00Z')).toEqual([
      '23:20Z',
      '23:50Z',
      '00:00Z',
    ]);
  });

  test('keep the grid of their window, also where the clocks skip its start', () => {
    const calendar = aCalendar({
      weeklyHours: daily(['01:15', '05:00']),
      timeZone: 'Europe/Berlin',
      slotMinutes: 40,
    });
    // On the wall: 01:15, (01:55 to 03:00 is 5 minutes), 03:15, 03:55, 04:35.
    expect(starts(calendar, '2026-03-29T00:00Z', '2026-03-29T12:00Z', [], 20)).toEqual([
      '00:15Z',
      '00:55Z',
      '01:15Z',
      '01:55Z',
      '02:35Z',
    ]);
  });

  test('come twice where the clocks repeat an hour', () => {
    const calendar = aCalendar({
      weeklyHours: daily(['01:30', '03:30']),
      timeZone: 'Europe/Berlin',
      slotMinutes: 45,
    });
    // On the wall: 01:30, 02:15, 02:15 again, 03:00.
    expect(starts(calendar, '2026-10-24T20:00Z', '2026-10-25T20:00Z')).toEqual([
      '23:30Z',
      '00:15Z',
      '01:15Z',
      '02:00Z',
    ]);
  });

  test('of overlapping windows come from each grid, once', () => {
    const calendar = aCalendar(
      {},
      open('2026-03-02T10:00', '2026-03-02T11:15'),
      open('2026-03-02T11:10', '2026-03-02T12:30'),
    );
    expect(starts(calendar, '2026-03-02T00:00Z', '2026-03-03T00:00Z')).toEqual([
      '09:00Z',
      '09:30Z',
      '10:00Z',
      '10:30Z',
      '11:00Z',
      '11:10Z',
      '11:30Z',
      '11:40Z',
    ]);
  });

  test('are not moved by a closed exception', () => {
    const calendar = aCalendar({}, closed('2026-03-02T09:10', '2026-03-02T09:40'));
    expect(starts(calendar, '2026-03-02T00:00Z', '2026-03-03T00:00Z')).toEqual([
      '10:00Z',
      '10:30Z',
      '11:00Z',
      '11:30Z',
    ]);
  });

  test('keep their buffer free after them, and the buffer of others, but not of closing time', () => {
    const calendar = aCalendar({ bufferMinutes: 15 });
    const reserved = [between('2026-03-02T10:30Z', '2026-03-02T11:10Z')];
    expect(starts(calendar, '2026-03-02T00:00Z', '2026-03-03T00:00Z', reserved)).toEqual([
      '09:00Z',
      '09:30Z',
      '11:30Z',
    ]);
  });

  test('stop at the last local date of the horizon', () => {
    const calendar = aCalendar({
      weeklyHours: daily(['00:00', '24:00']),
      timeZone: 'Pacific/Chatham',
      horizonDays: 1,
      slotMinutes: 480,
    });
    // On the wall it is 13:45 on 1 March; the horizon ends with 2 March, at 10:15Z.
    expect(
      shown(offeredSlots(calendar, [], NOW, between('2026-03-01T00:00Z', '2026-03-09T00:00Z'), 60)).map(
        (slot) => slot.slice(0, 17),
      ),
    ).toEqual(['2026-03-01T02:15Z', '2026-03-01T10:15Z', '2026-03-01T18:15Z', '2026-03-02T02:15Z']);
  });

  test('are none without a schedule', () => {
    expect(
      offeredSlots(
        { schedule: undefined, exceptions: [] },
        [],
        NOW,
        between('2026-03-02T00:00Z', '2026-03-03T00:00Z'),
        30,
      ),
    ).toEqual([]);
  });
});

describe('judge', () => {
  const taken = [between('2026-03-02T10:00Z', '2026-03-02T10:30Z')];
  const calendar = aCalendar({ minimumNoticeMinutes: 60, horizonDays: 2 });
  const now = at('2026-03-02T08:00Z');

  test.each([
    ['nothing to say against a free slot', '2026-03-02T09:00Z', '2026-03-02T09:30Z', undefined],
    ['too-soon inside the notice', '2026-03-02T08:59Z', '2026-03-02T09:30Z', 'too-soon'],
    ['too-soon in the past', '2026-03-01T09:00Z', '2026-03-01T09:30Z', 'too-soon'],
    ['too-soon before all else, and in the first year', '0001-01-01T00:00Z', '0001-01-01T00:30Z', 'too-soon'],
    ['nothing on the last day of the horizon', '2026-03-04T11:30Z', '2026-03-04T12:00Z', undefined],
    ['beyond-horizon on the day after', '2026-03-05T09:00Z', '2026-03-05T09:30Z', 'beyond-horizon'],
    ['beyond-horizon in the last year', '9999-12-31T23:00Z', '9999-12-31T23:30Z', 'beyond-horizon'],
    [
      'outside-working-hours before its grid',
      '2026-03-02T12:10Z',
      '2026-03-02T12:40Z',
      'outside-working-hours',
    ],
    [
      'outside-working-hours if only the end is',
      '2026-03-02T11:30Z',
      '2026-03-02T12:01Z',
      'outside-working-hours',
    ],
    ['not-on-slot-grid before what is taken', '2026-03-02T10:10Z', '2026-03-02T10:40Z', 'not-on-slot-grid'],
    [
      'not-on-slot-grid by a millisecond',
      '2026-03-02T09:30:00.001Z',
      '2026-03-02T10:00Z',
      'not-on-slot-grid',
    ],
    ['slot-taken if another visit is there', '2026-03-02T09:30Z', '2026-03-02T10:01Z', 'slot-taken'],
    ['nothing if it touches another', '2026-03-02T10:30Z', '2026-03-02T11:00Z', undefined],
  ] as const)('%s', (_name, start, end, expected) => {
    expect(judge(calendar, taken, now, between(start, end))).toBe(expected);
  });

  test.each([
    ['too-soon', '2026-03-02T07:59Z', '2026-03-02T08:30Z'],
    ['outside-working-hours', '2026-03-02T08:00Z', '2026-03-02T08:30Z'],
  ])('%s without a schedule', (expected, start, end) => {
    expect(judge({ schedule: undefined, exceptions: [] }, [], now, between(start, end))).toBe(expected);
  });
});

describe('visits in the way of a change', () => {
  const morning = { ...between('2026-03-02T09:00Z', '2026-03-02T09:30Z'), appointmentId: 'morning' };
  const noon = { ...between('2026-03-02T11:30Z', '2026-03-02T12:00Z'), appointmentId: 'noon' };
  const nextYear = { ...between('2027-03-02T10:00Z', '2027-03-02T10:30Z'), appointmentId: 'next year' };
  const visits = [noon, morning, nextYear];

  test('are those not wholly inside the new open time, whatever the horizon, grid and notice', () => {
    const rules = { horizonDays: 1, slotMinutes: 45, minimumNoticeMinutes: 43_200 };
    expect(visitsOutsideOpenTime(aCalendar(rules), visits)).toEqual([]);
    expect(visitsOutsideOpenTime(aCalendar({ weeklyHours: daily(['09:00', '11:45']) }), visits)).toEqual([
      noon,
    ]);
    expect(visitsOutsideOpenTime(aCalendar({ validUntil: '2026-12-31' }), visits)).toEqual([nextYear]);
    expect(visitsOutsideOpenTime(aCalendar({ timeZone: 'Asia/Kathmandu' }), visits)).toEqual(visits);
  });

  test('are none if there are no visits', () => {
    expect(visitsOutsideOpenTime(aCalendar(), [])).toEqual([]);
  });

  test('are under an exception if they share an instant with it, in the zone of the schedule', () => {
    const exception = closed('2026-03-02T12:15', '2026-03-02T12:45');
    expect(visitsUnder(exception, 'Europe/Berlin', visits)).toEqual([noon]);
    expect(visitsUnder(exception, 'UTC', visits)).toEqual([]);
    expect(visitsUnder(closed('2026-03-02T09:30', '2026-03-02T11:30'), 'UTC', visits)).toEqual([]);
    expect(visitsUnder(closed('0001-01-01T00:00', '9999-12-31T23:59'), 'UTC', visits)).toEqual(visits);
  });
});
