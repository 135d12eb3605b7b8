import type { Schedule } from '../schedules/schedule.ts';
import { contains, type Interval, type IntervalSet, normalize, touches } from './interval.ts';
import {
  instantsOf,
  LOCAL_DAY_MS,
  type LocalWindow,
  localDayOf,
  MINUTE_MS,
  offsetsWithin,
  type Stretch,
} from './local-time.ts';
import { type Calendar, openInstants, openWindows } from './open-time.ts';

/** Why a time cannot be booked, in the order in which the reasons are looked for. */
export type Refusal =
  | 'too-soon'
  | 'beyond-horizon'
  | 'outside-working-hours'
  | 'not-on-slot-grid'
  | 'slot-taken';

/**
 * Why this visit cannot be booked; undefined if it can.
 *
 * `reserved` is the time that other visits take, each with the buffer that was in force for it, in any order. Of these and
 * of the exceptions, those that touch the visit or the buffer after it suffice.
 */
export function judge(
  calendar: Calendar,
  reserved: readonly Interval[],
  now: number,
  visit: Interval,
): Refusal | undefined {
  if (!calendar.schedule) return visit.start < now ? 'too-soon' : 'outside-working-hours';
  return refusal(rulesWithin(calendar, calendar.schedule, reserved, now, visit), visit);
}

/**
 * Every visit of this length that lies wholly within these instants and that `judge` does not refuse, by start.
 *
 * `reserved` as for `judge`: what touches `within` or the schedule's buffer after it suffices.
 */
export const offeredSlots = (
  calendar: Calendar,
  reserved: readonly Interval[],
  now: number,
  within: Interval,
  durationMinutes: number,
): Interval[] => freeOf(calendar, openSlots(calendar, now, within, durationMinutes), reserved);

/** Every visit that would be offered if nobody had reserved anything, by start. */
export function openSlots(
  calendar: Calendar,
  now: number,
  within: Interval,
  durationMinutes: number,
): Interval[] {
  if (!calendar.schedule) return [];
  const rules = rulesWithin(calendar, calendar.schedule, [], now, within);
  const slots: Interval[] = [];
  for (const start of rules.gridStarts) {
    const slot = { start, end: start + durationMinutes * MINUTE_MS };
    if (refusal(rules, slot) === undefined) slots.push(slot);
  }
  return slots;
}

/** Those of open slots that the time of other visits leaves free; `reserved` as for `offeredSlots`. */
export function freeOf(
  { schedule }: Calendar,
  slots: readonly Interval[],
  reserved: readonly Interval[],
): Interval[] {
  const taken = takenTime(schedule, reserved);
  return slots.filter((slot) => !isTaken(taken, slot));
}

/** The predicate: what is offered and what is granted are both decided here. */
function refusal(rules: Rules, { start, end }: Interval): Refusal | undefined {
  if (start < rules.earliestStart) return 'too-soon';
  if (!contains(rules.withinHorizon, { start, end: start + 1 })) return 'beyond-horizon';
  if (!contains(rules.open, { start, end })) return 'outside-working-hours';
  if (!rules.gridStarts.has(start)) return 'not-on-slot-grid';
  if (isTaken(rules, { start, end })) return 'slot-taken';
  return undefined;
}

/** What other visits take, and how long a visit of this schedule is to be followed by nobody. */
interface TakenTime {
  readonly taken: IntervalSet;
  readonly bufferMs: number;
}

const takenTime = (schedule: Schedule | undefined, reserved: readonly Interval[]): TakenTime => ({
  taken: normalize(reserved),
  bufferMs: (schedule?.bufferMinutes ?? 0) * MINUTE_MS,
});

const isTaken = ({ taken, bufferMs }: TakenTime, { start, end }: Interval): boolean =>
  touches(taken, { start, end: end + bufferMs });

/** What the predicate needs to know about the visits within a stretch of time. */
interface Rules extends TakenTime {
  readonly earliestStart: number;
  readonly withinHorizon: IntervalSet;
  readonly open: IntervalSet;
  /** Ascending. */
  readonly gridStarts: ReadonlySet<number>;
}

function rulesWithin(
  { exceptions }: Calendar,
  schedule: Schedule,
  reserved: readonly Interval[],
  now: number,
  within: Interval,
): Rules {
  const earliestStart = now + schedule.minimumNoticeMinutes * MINUTE_MS;
  const horizonEnd = localDayOf(schedule.timeZone, now) + (schedule.horizonDays + 1) * LOCAL_DAY_MS;
  // What zones do in far years takes long to find out, and nothing is offered there. No clock is a day away from UTC, and
  // no visit that starts within the horizon lasts longer than another day.
  const start = Math.max(within.start, earliestStart);
  const end = Math.min(within.end, horizonEnd + 2 * LOCAL_DAY_MS);
  const offsets = offsetsWithin(schedule.timeZone, { start, end });
  const windows = openWindows(schedule, exceptions, offsets);
  return {
    earliestStart,
    withinHorizon: normalize(instantsOf({ localStart: -Infinity, localEnd: horizonEnd }, offsets)),
    open: openInstants(windows, exceptions, offsets),
    gridStarts: gridStarts(windows, schedule.slotMinutes * MINUTE_MS, offsets),
    ...takenTime(schedule, reserved),
  };
}

/** The instants whose local time is the start of a window that they lie in, or whole steps after it. */
function gridStarts(
  windows: readonly LocalWindow[],
  step: number,
  offsets: readonly Stretch[],
): ReadonlySet<number> {
  const starts: number[] = [];
  for (const window of windows) {
    for (const { start, end, offset } of instantsOf(window, offsets)) {
      const stepsBefore = Math.ceil((start + offset - window.localStart) / step);
      for (let at = window.localStart + stepsBefore * step - offset; at < end; at += step) starts.push(at);
    }
  }
  return new Set(starts.sort((a, b) => a - b));
}
