import { Temporal } from 'temporal-polyfill';
import type { Interval } from './interval.ts';

export const MINUTE_MS = 60_000;

/** A day on the wall clock. Between two instants it may be longer or shorter: never add it to one. */
export const LOCAL_DAY_MS = 1_440 * MINUTE_MS;

/**
 * A half-open stretch of wall-clock time in milliseconds, counted as if the zone were UTC. It has other members than
 * `Interval`, so that the compiler keeps wall clock and instants apart.
 */
export interface LocalWindow {
  readonly localStart: number;
  readonly localEnd: number;
}

/** Instants with one offset from UTC, in milliseconds: local time = instant + offset. */
export interface Stretch extends Interval {
  readonly offset: number;
}

/** Converting by Temporal takes 10–40 µs, finding a transition up to 1 ms. So both are done once per zone and span of time. */
const SPAN_MS = 366 * LOCAL_DAY_MS;
const KNOWN_SPANS_LIMIT = 4_096;
const knownSpans = new Map<string, readonly Stretch[]>();

/** What the zone's clocks do within these instants: ascending stretches without gaps. */
export function offsetsWithin(timeZone: string, within: Interval): readonly Stretch[] {
  const stretches: Stretch[] = [];
  for (let index = Math.floor(within.start / SPAN_MS); index * SPAN_MS < within.end; index++) {
    for (const { start, end, offset } of offsetsInSpan(timeZone, index)) {
      const clipped = { start: Math.max(start, within.start), end: Math.min(end, within.end), offset };
      if (clipped.start < clipped.end) stretches.push(clipped);
    }
  }
  return stretches;
}

function offsetsInSpan(timeZone: string, index: number): readonly Stretch[] {
  const key = `${timeZone} ${index}`;
  let stretches = knownSpans.get(key);
  if (stretches === undefined) {
    stretches = readOffsets(timeZone, index * SPAN_MS, (index + 1) * SPAN_MS);
    const [oldest] = knownSpans.keys();
    if (oldest !== undefined && knownSpans.size >= KNOWN_SPANS_LIMIT) knownSpans.delete(oldest);
    knownSpans.set(key, stretches);
  }
  return stretches;
}

function readOffsets(timeZone: string, from: number, to: number): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let clock = Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(timeZone);
  for (let start = from; start < to; ) {
    const next = clock.getTimeZoneTransition('next');
    const end = Math.min(next?.epochMilliseconds ?? to, to);
    stretches.push({ start, end, offset: clock.offsetNanoseconds / 1e6 });
    start = end;
    clock = next ?? clock;
  }
  return stretches;
}

/**
 * The instants whose local time is in the window, a stretch each. A local time that the clocks skip has no instant,
 * one that they repeat has both.
 */
export function instantsOf(window: LocalWindow, stretches: readonly Stretch[]): Stretch[] {
  const instants: Stretch[] = [];
  for (const { start, end, offset } of stretches) {
    const clipped = {
      start: Math.max(start, window.localStart - offset),
      end: Math.min(end, window.localEnd - offset),
      offset,
    };
    if (clipped.start < clipped.end) instants.push(clipped);
  }
  return instants;
}

/** The narrowest window that holds the local times of all these instants. */
export function localHull(stretches: readonly Stretch[]): LocalWindow {
  return {
    localStart: Math.min(...stretches.map(({ start, offset }) => start + offset)),
    localEnd: Math.max(...stretches.map(({ end, offset }) => end + offset)),
  };
}

/** Midnight, on the wall clock, of the local date that this instant falls on. */
export function localDayOf(timeZone: string, instant: number): number {
  const { localStart } = localHull(offsetsWithin(timeZone, { start: instant, end: instant + 1 }));
  return localDayStart(localStart);
}

export function localDayStart(local: number): number {
  return Math.floor(local / LOCAL_DAY_MS) * LOCAL_DAY_MS;
}

/** A local date (`2026-03-29`) or date-time (`2026-03-29T02:30`) as local milliseconds. */
export function parseLocal(text: string): number {
  return Date.parse(text.includes('T') ? `${text}Z` : text);
}

/** A time of day (`09:30`, `24:00`) as milliseconds of the wall clock after `00:00`. */
export function parseTimeOfDay(text: string): number {
  return (Number(text.slice(0, 2)) * 60 + Number(text.slice(3))) * MINUTE_MS;
}
