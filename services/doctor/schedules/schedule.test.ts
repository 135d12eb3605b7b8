import { Problem } from '../../shared/problem/problem.ts';
import { parseBody } from '../../shared/schema/parse.ts';
import { changesHours, type Schedule, scheduleBody } from './schedule.ts';

const monday = { weekday: 'monday', from: '09:00', to: '12:00' };

/** What is wrong with the body, as `pointer detail`. */
function wrong(body: unknown): string[] {
  try {
    parseBody(scheduleBody, body);
    return [];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const errors = error.extra.errors as { pointer: string; detail: string }[];
    return errors.map(({ pointer, detail }) => `${pointer} ${detail}`);
  }
}

describe('the body of a schedule', () => {
  test('needs weekly hours only, the rest has defaults', () => {
    expect(parseBody(scheduleBody, { weeklyHours: [monday] })).toEqual({
      weeklyHours: [monday],
      slotMinutes: 30,
      bufferMinutes: 0,
      minimumNoticeMinutes: 0,
      horizonDays: 90,
      keepReservations: false,
    });
  });

  test('may be full, with hours in any order that touch and end at 24:00', () => {
    const body = {
      weeklyHours: [
        { weekday: 'sunday', from: '12:00', to: '24:00' },
        { weekday: 'sunday', from: '00:00', to: '12:00' },
        { weekday: 'saturday', from: '10:00', to: '14:00' },
        { weekday: 'saturday', from: '14:00', to: '15:00' },
      ],
      timeZone: 'Asia/Kathmandu',
      slotMinutes: 5,
      bufferMinutes: 240,
      minimumNoticeMinutes: 43_200,
      horizonDays: 730,
      validFrom: '2026-03-01',
      validUntil: '2026-03-01',
      keepReservations: true,
    };
    expect(parseBody(scheduleBody, body)).toEqual(body);
  });

  test('may be without any weekly hours', () => {
    expect(wrong({ weeklyHours: [] })).toEqual([]);
  });

  test.each([
    ['no hours', {}, '#/weeklyHours is required'],
    ['too many', { weeklyHours: Array(51).fill(monday) }, '#/weeklyHours must have at most 50 items'],
    [
      'an unknown weekday',
      { weeklyHours: [{ ...monday, weekday: 'mon' }] },
      '#/weeklyHours/0/weekday must be one of: monday, tuesday, wednesday, thursday, friday, saturday, sunday',
    ],
    [
      '24:00 as a start',
      { weeklyHours: [{ ...monday, from: '24:00' }] },
      '#/weeklyHours/0/from must be a local time as HH:MM, from 00:00 to 23:59',
    ],
    [
      'an end after 24:00',
      { weeklyHours: [{ ...monday, to: '24:01' }] },
      '#/weeklyHours/0/to must be a local time as HH:MM, from 00:01 to 24:00',
    ],
    ['no length', { weeklyHours: [{ ...monday, to: '09:00' }] }, '#/weeklyHours/0/to must be after from'],
    [
      'a shift over midnight',
      { weeklyHours: [{ ...monday, from: '22:00', to: '06:00' }] },
      '#/weeklyHours/0/to must be after from',
    ],
    [
      'an overlap',
      { weeklyHours: [monday, { ...monday, weekday: 'friday' }, { ...monday, from: '11:59', to: '13:00' }] },
      '#/weeklyHours/2 must not overlap other hours of the same weekday',
    ],
    [
      'the same twice',
      { weeklyHours: [monday, monday] },
      '#/weeklyHours/1 must not overlap other hours of the same weekday',
    ],
    [
      'an unknown zone',
      { weeklyHours: [], timeZone: 'Europe/Atlantis' },
      '#/timeZone must be an IANA time zone name, such as Europe/Berlin',
    ],
    [
      'short slots',
      { weeklyHours: [], slotMinutes: 4 },
      '#/slotMinutes must be a whole number from 5 to 480',
    ],
    [
      'long slots',
      { weeklyHours: [], slotMinutes: 481 },
      '#/slotMinutes must be a whole number from 5 to 480',
    ],
    [
      'half minutes',
      { weeklyHours: [], slotMinutes: 7.5 },
      '#/slotMinutes must be a whole number from 5 to 480',
    ],
    [
      'a long buffer',
      { weeklyHours: [], bufferMinutes: 241 },
      '#/bufferMinutes must be a whole number from 0 to 240',
    ],
    [
      'a negative notice',
      { weeklyHours: [], minimumNoticeMinutes: -1 },
      '#/minimumNoticeMinutes must be a whole number from 0 to 43200',
    ],
    ['no horizon', { weeklyHours: [], horizonDays: 0 }, '#/horizonDays must be a whole number from 1 to 730'],
    [
      'a day that does not exist',
      { weeklyHours: [], validFrom: '2026-02-29' },
      '#/validFrom must be a date that exists, as YYYY-MM-DD',
    ],
    [
      'validity that ends before it begins',
      { weeklyHours: [], validFrom: '2026-03-02', validUntil: '2026-03-01' },
      '#/validUntil must not be before validFrom',
    ],
    ['a member that is not known', { weeklyHours: [], slotLength: 30 }, '#/slotLength is not known here'],
  ])('refuses %s', (_name, body, expected) => {
    expect(wrong(body)).toEqual([expected]);
  });

  test('is told all that is wrong', () => {
    const body = {
      weeklyHours: [{ ...monday, to: '08:00' }, monday, monday],
      slotMinutes: '30',
      validFrom: '2026-03-02',
      validUntil: '2026-03-01',
      hours: 8,
    };
    expect(
      wrong(body)
        .map((text) => text.split(' ')[0])
        .sort(),
    ).toEqual(['#/hours', '#/slotMinutes', '#/validUntil', '#/weeklyHours/0/to', '#/weeklyHours/2']);
  });
});

test('only other hours, another zone or another validity change when a doctor works', () => {
  const before: Schedule = {
    ...parseBody(scheduleBody, {
      weeklyHours: [monday, { ...monday, weekday: 'friday' }],
      validFrom: '2026-03-01',
    }),
    timeZone: 'Europe/Berlin',
  };
  expect(changesHours(before, { ...before, slotMinutes: 5, horizonDays: 1, bufferMinutes: 5 })).toBe(false);
  expect(changesHours(before, { ...before, weeklyHours: before.weeklyHours.toReversed() })).toBe(false);
  expect(changesHours(before, { ...before, weeklyHours: before.weeklyHours.slice(1) })).toBe(true);
  expect(changesHours(before, { ...before, timeZone: 'Europe/Paris' })).toBe(true);
  expect(changesHours(before, { ...before, validFrom: undefined })).toBe(true);
  expect(changesHours(before, { ...before, validUntil: '2026-12-31' })).toBe(true);
});
