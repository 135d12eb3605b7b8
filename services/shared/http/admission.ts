import type { ServerResponse } from 'node:http';
import { unavailable } from '../problem/problem.ts';

/** How long a request may stand in line: in a burst, and when it comes to a line that has stood for a while. */
const BURST_WAIT_MS = 500;
const STANDING_WAIT_MS = 200;
const STANDING_AFTER_MS = 100;
/** What takes longer than this waits for somebody else, a silent doctor service or a lock, and its place is free for others. */
const PLACE_MS = 500;
const TICK_MS = 10;

export const busy = () => unavailable('The service is busy; try again in a moment.');

interface Waiting {
  until: number;
  admit: () => void;
  refuse: () => void;
}

/**
 * Lets so many requests work at once and the others stand in line. A burst is served in its order. When there is always somebody in
 * line, though, waiting makes everybody late and nobody more served: who comes then is told sooner (controlled delay, ACM Queue 13(8),
 * "Fail at Scale").
 */
export function createAdmission(atOnce: number): {
  /** Resolves at the request's turn; its place is free again when its answer is out. @throws unavailable */
  admit: (res: ServerResponse) => Promise<void> | undefined;
} {
  /** When each of those at work began, the oldest first. */
  const working = new Set<{ since: number }>();
  let line: Waiting[] = [];
  let emptyAt = 0;
  let tick: NodeJS.Timeout | undefined;

  const isFree = (now: number): boolean => {
    for (const place of working) {
      if (now - place.since < PLACE_MS) break;
      working.delete(place);
    }
    return working.size < atOnce;
  };

  const advance = (): void => {
    const now = performance.now();
    while (line.length > 0 && isFree(now)) line.shift()?.admit();
    const late = line.filter(({ until }) => until <= now);
    if (late.length > 0) line = line.filter(({ until }) => until > now);
    for (const { refuse } of late) refuse();
    clearTimeout(tick);
    if (line.length > 0) tick = setTimeout(advance, TICK_MS);
  };

  const work = (res: ServerResponse): void => {
    const place = { since: performance.now() };
    working.add(place);
    res.once('close', () => {
      working.delete(place);
      advance();
    });
  };

  return {
    admit: (res) => {
      const now = performance.now();
      if (line.length === 0) {
        emptyAt = now;
        if (isFree(now)) return void work(res);
      }
      return new Promise((resolve, reject) => {
        line.push({
          until: now + (now - emptyAt > STANDING_AFTER_MS ? STANDING_WAIT_MS : BURST_WAIT_MS),
          admit: () => {
            // Whoever has left the line wants nothing any more.
            if (res.destroyed) return reject(busy());
            work(res);
            resolve();
          },
          refuse: () => reject(busy()),
        });
        advance();
      });
    },
  };
}
