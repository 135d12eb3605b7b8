/** Lets each key through so often; tells how many seconds it must wait, or 0. */
export type RateLimit = (key: string, nowMs?: number) => number;

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** Keys that have not come for longest are forgotten, and begin with a full bucket again. */
const MAX_KEYS = 10_000;

/** A token bucket for each key: `perSecond` on average, twice as many at once. In this process: n replicas let through n times as many. */
export function createRateLimit(perSecond: number): RateLimit {
  const burst = 2 * perSecond;
  const buckets = new Map<string, Bucket>();
  return (key, nowMs = performance.now()) => {
    const known = buckets.get(key);
    const filled =
      known === undefined
        ? burst
        : Math.min(burst, known.tokens + ((nowMs - known.filledAt) / 1000) * perSecond);
    const tokens = filled >= 1 ? filled - 1 : filled;
    // Set anew, so that a Map's order is that of the last use.
    buckets.delete(key);
    buckets.set(key, { tokens, filledAt: nowMs });
    if (buckets.size > MAX_KEYS) {
      const [oldest] = buckets.keys();
      buckets.delete(oldest ?? '');
    }
    return filled >= 1 ? 0 : (1 - filled) / perSecond;
  };
}
