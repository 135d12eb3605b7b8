import type { Exception } from '../schedules/exception.ts';
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
import { openInstants, openWindows } from './open-time.ts';

/** What is known of a doctor's time. Without a schedule nothing is offered. */
export interface Calendar {
  readonly schedule: Schedule | undefined;
  readonly exceptions: readonly Exception[];
  /** What visits take, each with the buffer after it that was in force when it was reserved; in any order. */
  readonly reserved: readonly Interval[];
}

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
 * Of exceptions and reservations those that touch the visit, or the buffer after it, suffice.
 */
export function judge(calendar: Calendar, now: number, visit: Interval): Refusal | undefined {
  if (calendar.schedule) return refusal(rulesWithin(calendar, calendar.schedule, now, visit), visit);
  return visit.start < now ? 'too-soon' : 'outside-working-hours';
}

/**
 * Every visit of this length that lies wholly within these instants and that `judge` does not refuse, by start.
 *
 * Of exceptions and reservations those that touch `within`, or a buffer after it, suffice.
 */
export function offeredSlots(
  calendar: Calendar,
  now: number,
  within: Interval,
  durationMinutes: number,
): Interval[] {
  if (!calendar.schedule) return [];
  const rules = rulesWithin(calendar, calendar.schedule, now, within);
  const slots: Interval[] = [];
  for (const start of rules.gridStarts) {
    const slot = { start, end: start + durationMinutes * MINUTE_MS };
    if (refusal(rules, slot) === undefined) slots.push(slot);
  }
  return slots;
}

/** The predicate: what is offered and what is granted are both decided here. */
function refusal(rules: Rules, { start, end }: Interval): Refusal | undefined {
  if (start < rules.earliestStart) return 'too-soon';
  if (!contains(rules.withinHorizon, { start, end: start + 1 })) return 'beyond-horizon';
  if (!contains(rules.open, { start, end })) return 'outside-working-hours';
  if (!rules.gridStarts.has(start)) return 'not-on-slot-grid';
  if (touches(rules.taken, { start, end: end + rules.bufferMs })) return 'slot-taken';
  return undefined;
}

/** What the predicate needs to know about the visits within a stretch of time. */
interface Rules {
  readonly earliestStart: number;
  readonly withinHorizon: IntervalSet;
  readonly open: IntervalSet;
  /** Ascending. */
  readonly gridStarts: ReadonlySet<number>;
  readonly taken: IntervalSet;
  readonly bufferMs: number;
}

function rulesWithin(calendar: Calendar, schedule: Schedule, now: number, within: Interval): Rules {
  const offsets = offsetsWithin(schedule.timeZone, within);
  const windows = openWindows(schedule, calendar.exceptions, offsets);
  const lastDay = localDayOf(schedule.timeZone, now) + schedule.horizonDays * LOCAL_DAY_MS;
  const horizon = { localStart: -Infinity, localEnd: lastDay + LOCAL_DAY_MS };
  return {
    earliestStart: now + schedule.minimumNoticeMinutes * MINUTE_MS,
    withinHorizon: normalize(instantsOf(horizon, offsets)),
    open: openInstants(windows, calendar.exceptions, offsets),
    gridStarts: gridStarts(windows, schedule.slotMinutes * MINUTE_MS, offsets),
    taken: normalize(calendar.reserved),
    bufferMs: schedule.bufferMinutes * MINUTE_MS,
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
