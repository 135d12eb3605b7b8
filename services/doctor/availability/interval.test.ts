import fc from 'fast-check';
import { contains, type Interval, normalize, overlaps, subtract, touches } from './interval.ts';

/** The laws are checked against plain membership of so many instants. */
const UNIVERSE = Array.from({ length: 40 }, (_, instant) => instant);

const interval = fc
  .tuple(fc.integer({ min: 0, max: 38 }), fc.integer({ min: 0, max: 12 }))
  .map(([start, length]) => Object.freeze({ start, end: Math.min(start + length, 39) }));
const someIntervals = fc.array(interval, { maxLength: 12 }).map((intervals) => Object.freeze(intervals));
const nonEmpty = interval.filter(({ start, end }) => start < end);

const instantsOf = (intervals: readonly Interval[]) =>
  UNIVERSE.filter((instant) => intervals.some(({ start, end }) => start <= instant && instant < end));

const isSet = (intervals: readonly Interval[]) =>
  intervals.every(({ start, end }, index) => start < end && (intervals[index - 1]?.end ?? -1) < start);

describe('normalize', () => {
  test('keeps the instants, in ascending intervals that neither overlap nor touch', () => {
    fc.assert(
      fc.property(someIntervals, (intervals) => {
        const set = normalize(intervals);
        expect(isSet(set)).toBe(true);
        expect(instantsOf(set)).toEqual(instantsOf(intervals));
      }),
    );
  });

  test('does not depend on the order, and changes nothing that is normal', () => {
    fc.assert(
      fc.property(someIntervals, (intervals) => {
        expect(normalize([...intervals].reverse())).toEqual(normalize(intervals));
        expect(normalize(normalize(intervals))).toEqual(normalize(intervals));
      }),
    );
  });

  test('joins intervals that touch', () => {
    expect(
      normalize([
        { start: 5, end: 9 },
        { start: 1, end: 5 },
      ]),
    ).toEqual([{ start: 1, end: 9 }]);
  });
});

test('subtract leaves the instants of the first set that are not in the second', () => {
  fc.assert(
    fc.property(someIntervals, someIntervals, (intervals, removed) => {
      const rest = subtract(normalize(intervals), normalize(removed));
      expect(isSet(rest)).toBe(true);
      expect(instantsOf(rest)).toEqual(
        instantsOf(intervals).filter((instant) => !instantsOf(removed).includes(instant)),
      );
    }),
  );
});

test('an interval overlaps another exactly if they share an instant', () => {
  fc.assert(
    fc.property(nonEmpty, nonEmpty, (a, b) => {
      const shared = instantsOf([a]).filter((instant) => instantsOf([b]).includes(instant));
      expect(overlaps(a, b)).toBe(shared.length > 0);
      expect(overlaps(b, a)).toBe(overlaps(a, b));
    }),
  );
});

test('a set contains an interval if it has all its instants, and touches it if it has one', () => {
  fc.assert(
    fc.property(someIntervals, nonEmpty, (intervals, asked) => {
      const set = normalize(intervals);
      const shared = instantsOf([asked]).filter((instant) => instantsOf(set).includes(instant));
      expect(contains(set, asked)).toBe(shared.length === instantsOf([asked]).length);
      expect(touches(set, asked)).toBe(shared.length > 0);
    }),
  );
});
