import type { Exception } from '../schedules/exception.ts';
import { type Schedule, weekdays } from '../schedules/schedule.ts';
import { contains, type Interval, type IntervalSet, normalize, subtract, touches } from './interval.ts';
import {
  instantsOf,
  LOCAL_DAY_MS,
  type LocalWindow,
  localDayStart,
  localHull,
  offsetsWithin,
  parseLocal,
  parseTimeOfDay,
  type Stretch,
} from './local-time.ts';

/** What decides when a doctor is open. Without a schedule: never. */
export interface Calendar {
  readonly schedule: Schedule | undefined;
  readonly exceptions: readonly Exception[];
}

/** Weekly hours and open exceptions without closed exceptions: the instants whose local time is open. */
export function openTime({ schedule, exceptions }: Calendar, within: Interval): IntervalSet {
  if (!schedule) return [];
  const offsets = offsetsWithin(schedule.timeZone, within);
  return openInstants(openWindows(schedule, exceptions, offsets), exceptions, offsets);
}

/** The visits that are not wholly inside open time, as given. */
export function visitsOutsideOpenTime<Visit extends Interval>(
  calendar: Calendar,
  visits: readonly Visit[],
): Visit[] {
  const open = openTime(calendar, hull(visits));
  return visits.filter((visit) => !contains(open, visit));
}

/** The visits that share an instant with the exception, as given. */
export function visitsUnder<Visit extends Interval>(
  exception: Exception,
  timeZone: string,
  visits: readonly Visit[],
): Visit[] {
  const instants = normalize(instantsOf(windowOf(exception), offsetsWithin(timeZone, hull(visits))));
  return visits.filter((visit) => touches(instants, visit));
}

/** Weekly windows and open exceptions on the wall clock: what is open unless closed. */
export function openWindows(
  schedule: Schedule,
  exceptions: readonly Exception[],
  offsets: readonly Stretch[],
): readonly LocalWindow[] {
  return [...weeklyWindows(schedule, localHull(offsets)), ...windowsOf('open', exceptions)];
}

export function openInstants(
  windows: readonly LocalWindow[],
  exceptions: readonly Exception[],
  offsets: readonly Stretch[],
): IntervalSet {
  const instants = (of: readonly LocalWindow[]) =>
    normalize(of.flatMap((window) => instantsOf(window, offsets)));
  return subtract(instants(windows), instants(windowsOf('closed', exceptions)));
}

/** The weekly windows of the local dates in this stretch of wall-clock time. */
function weeklyWindows(schedule: Schedule, { localStart, localEnd }: LocalWindow): LocalWindow[] {
  const firstDay = schedule.validFrom === undefined ? -Infinity : parseLocal(schedule.validFrom);
  const lastDay = schedule.validUntil === undefined ? Infinity : parseLocal(schedule.validUntil);
  const hours = weekdays.map((day) =>
    schedule.weeklyHours
      .filter(({ weekday }) => weekday === day)
      .map(({ from, to }) => ({ from: parseTimeOfDay(from), to: parseTimeOfDay(to) })),
  );
  const windows: LocalWindow[] = [];
  let day = Math.max(localDayStart(localStart), firstDay);
  for (; day < localEnd && day <= lastDay; day += LOCAL_DAY_MS) {
    for (const { from, to } of hours[weekdayOf(day)] ?? []) {
      windows.push({ localStart: day + from, localEnd: day + to });
    }
  }
  return windows;
}

/** 0 is Monday, as in `weekdays`. The epoch's first day was a Thursday. */
function weekdayOf(day: number): number {
  return (((day / LOCAL_DAY_MS + 3) % 7) + 7) % 7;
}

function windowsOf(kind: Exception['kind'], exceptions: readonly Exception[]): LocalWindow[] {
  return exceptions.filter((exception) => exception.kind === kind).map(windowOf);
}

function windowOf({ from, to }: Exception): LocalWindow {
  return { localStart: parseLocal(from), localEnd: parseLocal(to) };
}

function hull(intervals: readonly Interval[]): Interval {
  let [start, end] = [Infinity, -Infinity];
  for (const interval of intervals) {
    start = Math.min(start, interval.start);
    end = Math.max(end, interval.end);
  }
  return { start, end };
}
