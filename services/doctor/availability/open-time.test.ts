import type { Exception } from '../schedules/exception.ts';
import { type Schedule, type WeeklyWindow, weekdays } from '../schedules/schedule.ts';
import type { Interval } from './interval.ts';
import { type Calendar, openTime, visitsOutsideOpenTime, visitsUnder } from './open-time.ts';

/** `start/end`, as ISO 8601 writes an interval. */
function interval(text: string): Interval {
  const [start = '', end = ''] = text.split('/');
  return { start: Date.parse(start), end: Date.parse(end) };
}

function iso({ start, end }: Interval): string {
  return [start, end].map((instant) => new Date(instant).toISOString().replace(':00.000Z', 'Z')).join('/');
}

/** Hours as `09:00-12:00`. */
function daily(...hours: readonly string[]): WeeklyWindow[] {
  return weekdays.flatMap((weekday) => hours.map((text) => on(weekday, text)));
}

function on(weekday: WeeklyWindow['weekday'], hours: string): WeeklyWindow {
  const [from = '', to = ''] = hours.split('-');
  return { weekday, from, to };
}

const closed = (from: string, to: string): Exception => ({ kind: 'closed', from, to });
const open = (from: string, to: string): Exception => ({ kind: 'open', from, to });

function aCalendar(members: Partial<Schedule> = {}, exceptions: readonly Exception[] = []): Calendar {
  const schedule = {
    weeklyHours: daily('09:00-12:00'),
    timeZone: 'UTC',
    slotMinutes: 30,
    bufferMinutes: 0,
    minimumNoticeMinutes: 0,
    horizonDays: 90,
    ...members,
  };
  return { schedule, exceptions };
}

describe('open time of weekly hours', () => {
  /** 2 March 2026 is a Monday. */
  const cases: [name: string, members: Partial<Schedule>, within: string, expected: string[]][] = [
    [
      'is on their weekday only',
      { weeklyHours: [on('tuesday', '09:00-12:00')] },
      '2026-03-01T00:00Z/2026-03-08T00:00Z',
      ['2026-03-03T09:00Z/2026-03-03T12:00Z'],
    ],
    [
      'is several stretches a day',
      { weeklyHours: daily('13:00-17:00', '08:00-12:00') },
      '2026-03-02T00:00Z/2026-03-03T00:00Z',
      ['2026-03-02T08:00Z/2026-03-02T12:00Z', '2026-03-02T13:00Z/2026-03-02T17:00Z'],
    ],
    [
      'joins hours that touch',
      { weeklyHours: daily('08:00-12:00', '12:00-13:00') },
      '2026-03-02T00:00Z/2026-03-03T00:00Z',
      ['2026-03-02T08:00Z/2026-03-02T13:00Z'],
    ],
    [
      'joins the two halves of a shift over midnight',
      { weeklyHours: [on('monday', '22:00-24:00'), on('tuesday', '00:00-06:00')] },
      '2026-03-02T00:00Z/2026-03-04T00:00Z',
      ['2026-03-02T22:00Z/2026-03-03T06:00Z'],
    ],
    [
      'is one stretch if they are all day, every day',
      { weeklyHours: daily('00:00-24:00'), timeZone: 'Europe/Berlin' },
      '2026-03-28T12:00Z/2026-04-02T12:00Z',
      ['2026-03-28T12:00Z/2026-04-02T12:00Z'],
    ],
    [
      'is clamped at both ends',
      {},
      '2026-03-02T10:00Z/2026-03-02T11:00Z',
      ['2026-03-02T10:00Z/2026-03-02T11:00Z'],
    ],
    [
      'is found early in a UTC day, when it is the evening before on the wall',
      { weeklyHours: [on('monday', '17:00-20:00')], timeZone: 'America/Los_Angeles' },
      '2026-03-03T00:00Z/2026-03-03T06:00Z',
      ['2026-03-03T01:00Z/2026-03-03T04:00Z'],
    ],
    [
      'is clipped where the clocks skip their start',
      { weeklyHours: daily('02:30-04:00'), timeZone: 'Europe/Berlin' },
      '2026-03-29T00:00Z/2026-03-29T12:00Z',
      ['2026-03-29T01:00Z/2026-03-29T02:00Z'],
    ],
    [
      'is none where the clocks skip them',
      { weeklyHours: daily('02:00-03:00'), timeZone: 'Europe/Berlin' },
      '2026-03-29T00:00Z/2026-03-29T12:00Z',
      [],
    ],
    [
      'comes twice where the clocks repeat them',
      { weeklyHours: daily('02:00-02:30'), timeZone: 'Europe/Berlin' },
      '2026-10-25T00:00Z/2026-10-25T12:00Z',
      ['2026-10-25T00:00Z/2026-10-25T00:30Z', '2026-10-25T01:00Z/2026-10-25T01:30Z'],
    ],
    [
      'lasts longer if the clocks go back within them',
      { weeklyHours: daily('01:00-04:00'), timeZone: 'Europe/Berlin' },
      '2026-10-24T12:00Z/2026-10-25T12:00Z',
      ['2026-10-24T23:00Z/2026-10-25T03:00Z'],
    ],
    [
      'has the same local times before and after a change of the clocks',
      { weeklyHours: daily('09:00-10:00'), timeZone: 'Europe/Berlin' },
      '2026-03-28T00:00Z/2026-03-30T00:00Z',
      ['2026-03-28T08:00Z/2026-03-28T09:00Z', '2026-03-29T07:00Z/2026-03-29T08:00Z'],
    ],
    [
      'begins at 01:00 on a day without a midnight',
      { weeklyHours: daily('00:00-02:00'), timeZone: 'Africa/Cairo' },
      '2026-04-23T20:00Z/2026-04-24T20:00Z',
      ['2026-04-23T22:00Z/2026-04-23T23:00Z'],
    ],
    [
      'includes both hours before a midnight that is put off',
      { weeklyHours: daily('22:30-24:00'), timeZone: 'Africa/Cairo' },
      '2026-10-29T12:00Z/2026-10-30T12:00Z',
      ['2026-10-29T19:30Z/2026-10-29T22:00Z'],
    ],
    [
      'is from validFrom to validUntil, both days included',
      { validFrom: '2026-03-03', validUntil: '2026-03-04' },
      '2026-03-01T00:00Z/2026-03-31T00:00Z',
      ['2026-03-03T09:00Z/2026-03-03T12:00Z', '2026-03-04T09:00Z/2026-03-04T12:00Z'],
    ],
    ['is none if there are no hours', { weeklyHours: [] }, '2026-03-01T00:00Z/2026-03-31T00:00Z', []],
  ];

  test.each(cases)('%s', (_name, members, within, expected) => {
    expect(openTime(aCalendar(members), interval(within)).map(iso)).toEqual(expected);
  });
});

describe('exceptions', () => {
  const cases: [name: string, members: Partial<Schedule>, Exception[], within: string, expected: string[]][] =
    [
      [
        'open adds time, outside the validity too',
        { validUntil: '2026-03-02' },
        [open('2026-03-02T11:00', '2026-03-02T14:00'), open('2026-03-07T20:00', '2026-03-08T02:00')],
        '2026-03-02T00:00Z/2026-03-31T00:00Z',
        ['2026-03-02T09:00Z/2026-03-02T14:00Z', '2026-03-07T20:00Z/2026-03-08T02:00Z'],
      ],
      [
        'closed takes time, from open ones too',
        {},
        [open('2026-03-02T11:00', '2026-03-02T14:00'), closed('2026-03-02T10:00', '2026-03-02T13:00')],
        '2026-03-02T00:00Z/2026-03-03T00:00Z',
        ['2026-03-02T09:00Z/2026-03-02T10:00Z', '2026-03-02T13:00Z/2026-03-02T14:00Z'],
      ],
      [
        'closed takes both of the times that the clocks repeat',
        { weeklyHours: daily('01:00-04:00'), timeZone: 'Europe/Berlin' },
        [closed('2026-10-25T02:00', '2026-10-25T02:30')],
        '2026-10-24T12:00Z/2026-10-25T12:00Z',
        [
          '2026-10-24T23:00Z/2026-10-25T00:00Z',
          '2026-10-25T00:30Z/2026-10-25T01:00Z',
          '2026-10-25T01:30Z/2026-10-25T03:00Z',
        ],
      ],
      [
        'closed may last for all the years that a date can have',
        {},
        [closed('0001-01-01T00:00', '9999-12-31T23:59')],
        '2026-03-01T00:00Z/2026-03-31T00:00Z',
        [],
      ],
    ];

  test.each(cases)('%s', (_name, members, exceptions, within, expected) => {
    expect(openTime(aCalendar(members, exceptions), interval(within)).map(iso)).toEqual(expected);
    expect(openTime(aCalendar(members, exceptions.toReversed()), interval(within)).map(iso)).toEqual(
      expected,
    );
  });
});

test('without a schedule there is no open time, whatever the exceptions say', () => {
  const calendar = { schedule: undefined, exceptions: [open('2026-03-02T11:00', '2026-03-02T14:00')] };
  expect(openTime(calendar, interval('2026-03-01T00:00Z/2026-03-31T00:00Z'))).toEqual([]);
});

describe('visits in the way of a change', () => {
  const morning = { ...interval('2026-03-02T09:00Z/2026-03-02T09:30Z'), appointmentId: 'morning' };
  const noon = { ...interval('2026-03-02T11:30Z/2026-03-02T12:00Z'), appointmentId: 'noon' };
  const nextYear = { ...interval('2027-03-02T10:00Z/2027-03-02T10:30Z'), appointmentId: 'next year' };
  const visits = [noon, nextYear, morning];

  test('are those not wholly inside the new open time, whatever its horizon, grid and notice', () => {
    const outside = (members: Partial<Schedule>) => visitsOutsideOpenTime(aCalendar(members), visits);
    expect(outside({ horizonDays: 1, slotMinutes: 45, minimumNoticeMinutes: 43_200 })).toEqual([]);
    expect(outside({ weeklyHours: daily('09:00-11:45') })).toEqual([noon]);
    expect(outside({ validUntil: '2026-12-31' })).toEqual([nextYear]);
    expect(outside({ timeZone: 'Asia/Kathmandu' })).toEqual(visits);
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
