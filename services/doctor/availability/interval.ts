/** A half-open stretch of instants, `[start, end)`, in whole milliseconds since the epoch. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

/** Intervals that ascend and neither overlap nor touch, as `normalize` and `subtract` return them. */
export type IntervalSet = readonly Interval[];

/** The same instants as a set: sorted, joined where they overlap or touch, empty ones dropped. */
export function normalize(intervals: readonly Interval[]): IntervalSet {
  const set: Interval[] = [];
  for (const { start, end } of [...intervals].sort((a, b) => a.start - b.start)) {
    const last = set.at(-1);
    if (start >= end) continue;
    if (last === undefined || start > last.end) set.push({ start, end });
    else if (end > last.end) set[set.length - 1] = { start: last.start, end };
  }
  return set;
}

/** The instants of the first set that are not in the second. */
export function subtract(set: IntervalSet, removed: IntervalSet): IntervalSet {
  const rest: Interval[] = [];
  let next = 0;
  for (const interval of set) {
    let { start } = interval;
    // What ends before this interval starts ends before every later one starts, too.
    while ((removed[next]?.end ?? Infinity) <= start) next++;
    for (let i = next; start < interval.end; i++) {
      const hole = removed[i];
      if (hole === undefined || hole.start >= interval.end) {
        rest.push({ start, end: interval.end });
        break;
      }
      if (hole.start > start) rest.push({ start, end: hole.start });
      start = hole.end;
    }
  }
  return rest;
}

export function overlaps(a: Interval, b: Interval): boolean {
  return a.start < b.end && b.start < a.end;
}

/** Whether every instant of the interval is in the set. */
export function contains(set: IntervalSet, interval: Interval): boolean {
  const candidate = lastStartingBy(set, interval.start);
  return candidate !== undefined && interval.end <= candidate.end;
}

/** Whether some instant of the interval is in the set. */
export function touches(set: IntervalSet, interval: Interval): boolean {
  const candidate = lastStartingBy(set, interval.end - 1);
  return candidate !== undefined && overlaps(candidate, interval);
}

/** The last interval that has started at this instant, by binary search. */
function lastStartingBy(set: IntervalSet, instant: number): Interval | undefined {
  let low = 0;
  let high = set.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((set[middle]?.start ?? Infinity) <= instant) low = middle + 1;
    else high = middle;
  }
  return set[low - 1];
}
