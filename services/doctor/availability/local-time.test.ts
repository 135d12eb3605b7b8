import fc from 'fast-check';
import {
  instantsOf,
  LOCAL_DAY_MS,
  localDayOf,
  localHull,
  offsetsWithin,
  parseLocal,
  parseTimeOfDay,
} from './local-time.ts';

const HOUR_MS = 3_600_000;
const at = (text: string) => Date.parse(text);
const iso = (instant: number) => new Date(instant).toISOString().replace(':00.000Z', 'Z');

/** The instants of a local window, in a zone, on the days around it. */
function instants(timeZone: string, from: string, to: string): string[] {
  const window = { localStart: parseLocal(from), localEnd: parseLocal(to) };
  const around = { start: window.localStart - 2 * LOCAL_DAY_MS, end: window.localEnd + 2 * LOCAL_DAY_MS };
  return instantsOf(window, offsetsWithin(timeZone, around)).map(
    ({ start, end }) => `${iso(start)} ${iso(end)}`,
  );
}

describe('the instants of a local window', () => {
  test.each([
    [
      'on an ordinary day',
      'Europe/Berlin',
      '2026-01-15T09:00',
      '2026-01-15T12:00',
      ['2026-01-15T08:00Z 2026-01-15T11:00Z'],
    ],
    [
      'with an offset of 5:45',
      'Asia/Kathmandu',
      '2026-01-15T00:00',
      '2026-01-15T00:15',
      ['2026-01-14T18:15Z 2026-01-14T18:30Z'],
    ],
    ['that the clocks skip are none', 'Europe/Berlin', '2026-03-29T02:00', '2026-03-29T03:00', []],
    [
      'are clipped where the clocks skip its start',
      'Europe/Berlin',
      '2026-03-29T02:30',
      '2026-03-29T04:00',
      ['2026-03-29T01:00Z 2026-03-29T02:00Z'],
    ],
    [
      'that the clocks repeat are both',
      'Europe/Berlin',
      '2026-10-25T02:15',
      '2026-10-25T02:45',
      ['2026-10-25T00:15Z 2026-10-25T00:45Z', '2026-10-25T01:15Z 2026-10-25T01:45Z'],
    ],
    [
      'begin at 01:00 where midnight is skipped',
      'Africa/Cairo',
      '2026-04-24T00:00',
      '2026-04-24T02:00',
      ['2026-04-23T22:00Z 2026-04-23T23:00Z'],
    ],
    [
      'include both hours from 23:00 to 24:00',
      'Africa/Cairo',
      '2026-10-29T23:00',
      '2026-10-30T00:00',
      ['2026-10-29T20:00Z 2026-10-29T21:00Z', '2026-10-29T21:00Z 2026-10-29T22:00Z'],
    ],
    [
      'include both midnights',
      'America/Havana',
      '2026-11-01T00:00',
      '2026-11-01T00:30',
      ['2026-11-01T04:00Z 2026-11-01T04:30Z', '2026-11-01T05:00Z 2026-11-01T05:30Z'],
    ],
    [
      'shift by half an hour',
      'Australia/Lord_Howe',
      '2026-10-04T02:00',
      '2026-10-04T03:00',
      ['2026-10-03T15:30Z 2026-10-03T16:00Z'],
    ],
    [
      'shift by two hours',
      'Antarctica/Troll',
      '2026-03-29T00:00',
      '2026-03-29T04:00',
      ['2026-03-29T00:00Z 2026-03-29T01:00Z', '2026-03-29T01:00Z 2026-03-29T02:00Z'],
    ],
    ['are none on a day that never was', 'Pacific/Apia', '2011-12-30T00:00', '2011-12-31T00:00', []],
  ])('%s', (_case, timeZone, from, to, expected) => {
    expect(instants(timeZone, from, to)).toEqual(expected);
  });
});

describe('offsetsWithin', () => {
  const within = fc
    .tuple(
      fc.integer({ min: at('1890-01-01'), max: at('2100-01-01') }),
      fc.integer({ min: 1, max: 1_500 * LOCAL_DAY_MS }),
    )
    .map(([start, length]) => ({ start, end: start + length }));

  test('covers every instant once', () => {
    fc.assert(
      fc.property(within, (asked) => {
        const stretches = offsetsWithin('Africa/Casablanca', asked);
        expect(stretches[0]?.start).toBe(asked.start);
        expect(stretches.at(-1)?.end).toBe(asked.end);
        expect(stretches.slice(1).map(({ start }) => start)).toEqual(
          stretches.slice(0, -1).map(({ end }) => end),
        );
      }),
      { numRuns: 20 },
    );
  });

  test('answers for the first and the last year that a date can have', () => {
    for (const year of ['0001', '9999']) {
      const day = { start: at(`${year}-06-01T00:00Z`), end: at(`${year}-06-02T00:00Z`) };
      expect(offsetsWithin('Europe/Berlin', day)).toHaveLength(1);
    }
  });

  test('has nothing to say about no time at all', () => {
    expect(offsetsWithin('Europe/Berlin', { start: Infinity, end: -Infinity })).toEqual([]);
    expect(offsetsWithin('Europe/Berlin', { start: 0, end: 0 })).toEqual([]);
  });

  test('refuses a zone that does not exist', () => {
    expect(() => offsetsWithin('Europe/Atlantis', { start: 0, end: 1 })).toThrow(RangeError);
  });
});

test('the hull of a repeated hour holds it all, even if it is entered late', () => {
  const repeated = offsetsWithin('Europe/Berlin', {
    start: at('2026-10-25T00:30Z'),
    end: at('2026-10-25T02:00Z'),
  });
  expect(localHull(repeated)).toEqual({
    localStart: parseLocal('2026-10-25T02:00'),
    localEnd: parseLocal('2026-10-25T03:00'),
  });
});

test.each([
  ['Pacific/Chatham', '2026-03-15T10:14Z', '2026-03-15'],
  ['Pacific/Chatham', '2026-03-15T10:15Z', '2026-03-16'],
  ['America/Los_Angeles', '2026-03-15T06:59Z', '2026-03-14'],
  ['Africa/Cairo', '2026-04-23T22:00Z', '2026-04-24'],
  ['Africa/Cairo', '2026-10-29T21:59Z', '2026-10-29'],
  ['Africa/Cairo', '2026-10-29T22:00Z', '2026-10-30'],
  ['Europe/Berlin', '1969-12-31T22:59Z', '1969-12-31'],
])('in %s, %s falls on %s', (timeZone, instant, date) => {
  expect(localDayOf(timeZone, at(instant))).toBe(parseLocal(date));
});

test('a local text means the same wherever the process runs', () => {
  expect(parseLocal('2026-03-29')).toBe(Date.UTC(2026, 2, 29));
  expect(parseLocal('2026-03-29T02:30')).toBe(Date.UTC(2026, 2, 29, 2, 30));
  expect(parseTimeOfDay('09:05')).toBe(9 * HOUR_MS + 300_000);
  expect(parseTimeOfDay('24:00')).toBe(LOCAL_DAY_MS);
});

/** Zones that catch what is wrong with local times, with all that their clocks do from 2020 to 2035. */
describe.each([
  'Europe/Berlin', // The ordinary gap and overlap.
  'America/New_York',
  'Africa/Cairo', // The gap is at midnight, 23:00–24:00 is repeated.
  'Asia/Beirut',
  'America/Santiago',
  'America/Havana', // The gap is at midnight, midnight itself is repeated.
  'Australia/Lord_Howe', // By 30 minutes.
  'Antarctica/Troll', // By two hours.
  'Africa/Casablanca', // Back in February, forward in March.
  'Asia/Kathmandu', // No changes, offset 5:45.
  'Pacific/Chatham', // Offsets 12:45 and 13:45.
])('%s from 2020 to 2035', (timeZone) => {
  const years = { start: at('2020-01-01T00:00Z'), end: at('2036-01-01T00:00Z') };
  const offsetOf = offsetByIntl(timeZone);
  const transitions = transitionsBetween(years.start, years.end, offsetOf);

  test('the table has every transition and no other', () => {
    const stretches = offsetsWithin(timeZone, years);
    const changes = stretches.filter(({ offset }, index) => offset !== stretches[index - 1]?.offset);
    expect(changes.map(({ start, offset }) => [start, offset])).toEqual(
      [years.start, ...transitions].map((instant) => [instant, offsetOf(instant)]),
    );
  });

  test('around each transition a local time has exactly the instants at which clocks show it', () => {
    for (const transition of transitions) {
      const within = { start: transition - 30 * HOUR_MS, end: transition + 30 * HOUR_MS };
      const offsets = offsetsWithin(timeZone, within);
      for (let quarter = -8; quarter < 8; quarter++) {
        const instant = transition + (quarter * HOUR_MS) / 4;
        const localStart = instant + offsetOf(instant);
        const found = instantsOf({ localStart, localEnd: localStart + 1 }, offsets).map(({ start }) => start);
        const possible = [-2, -1, -0.5, 0, 0.5, 1, 2].map((hours) => instant + hours * HOUR_MS);
        expect(found).toEqual(possible.filter((other) => other + offsetOf(other) === localStart));
      }
    }
  });
});

/** Offsets from `Intl`, which knows nothing of our table. Swedes write dates as ISO 8601 does. */
function offsetByIntl(timeZone: string): (instant: number) => number {
  const clock = new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  return (instant) => Date.parse(`${clock.format(instant).replace(' ', 'T')}Z`) - instant;
}

/** Every change of the offset, found by looking at each day and halving those in which it changes. */
function transitionsBetween(start: number, end: number, offsetOf: (instant: number) => number): number[] {
  const transitions: number[] = [];
  for (let day = start; day < end; day += LOCAL_DAY_MS) {
    let [before, after] = [day, day + LOCAL_DAY_MS];
    if (offsetOf(before) === offsetOf(after)) continue;
    while (after - before > 1_000) {
      const middle = Math.floor((before + after) / 2_000) * 1_000;
      if (offsetOf(middle) === offsetOf(before)) before = middle;
      else after = middle;
    }
    transitions.push(after);
  }
  return transitions;
}
