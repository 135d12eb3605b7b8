import { closedLoop, median } from './load.ts';
import { openLoop, percentile } from './open-loop.ts';
import type { Bench } from './row.ts';
import { expectOnly, shuffled, waitsMs } from './sample.ts';

export interface Latency {
  p50: number;
  p99: number;
  /** How many were answered 503, which counts as an answer that never came. */
  refused: number;
}

const WARM_CONNECTIONS = 4;
/** In a closed loop, and then on the schedule; a quick run has not the time for all that Node would compile. */
const WARM_SECONDS = { full: [6, 2], quick: [2, 1] } as const;

/** One thing to ask, of one system. */
export interface Question {
  port: number;
  next: () => string;
}

/**
 * How long answers take when they are asked for on a schedule, in milliseconds, for each question: medians of rounds in which the
 * questions take turns.
 */
export async function latencies(
  questions: readonly Question[],
  {
    perSecond,
    seconds,
    rounds,
    quick,
    progress,
  }: { perSecond: number } & Pick<Bench, 'seconds' | 'rounds' | 'quick' | 'progress'>,
): Promise<Latency[]> {
  const each = questions.map((question) => ({
    question,
    p50: [] as number[],
    p99: [] as number[],
    refused: 0,
  }));
  // One after the other at first: what is not compiled yet may be too slow for the schedule.
  const [closed, scheduled] = WARM_SECONDS[quick ? 'quick' : 'full'];
  for (const { question } of each) {
    await closedLoop({ ...question, connections: WARM_CONNECTIONS, seconds: closed });
    await openLoop({ ...question, perSecond, seconds: scheduled });
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const one of shuffled(each)) {
      const result = await openLoop({ ...one.question, perSecond, seconds });
      expectOnly(result, ['200', '503']);
      const waits = waitsMs(result, '200');
      one.p50.push(percentile(waits, 0.5));
      one.p99.push(percentile(waits, 0.99));
      one.refused += result.statuses['503'] ?? 0;
    }
    progress(`round ${round} of ${rounds}`);
  }
  return each.map(({ p50, p99, refused }) => ({ p50: median(p50), p99: median(p99), refused }));
}

export const told = (
  { p50, p99, refused }: Latency | undefined = { p50: Number.NaN, p99: Number.NaN, refused: 0 },
): string => `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms${refused === 0 ? '' : `, ${refused} × 503`}`;
