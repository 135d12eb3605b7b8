import type { IncomingMessage, ServerResponse } from 'node:http';
import { currentContext, type RequestContext } from '../log/context.ts';
import { unavailable } from '../problem/problem.ts';
import { whenOver } from './over.ts';

/**
 * The line is as long as requests in flight may be: where all is well its last one waits for half a second, in a process that has just
 * started, and gets at once what another one left, for more than one.
 */
const WAIT_MS = 3_000;

export const busy = () => unavailable('The service is busy; try again in a moment.');

interface Place {
  leave: () => void;
  resume: () => void;
}

const places = new WeakMap<RequestContext, Place>();

/** Waits for somebody else, and lets others work meanwhile; who comes back goes on at once. */
export async function aside<Result>(work: Promise<Result>): Promise<Result> {
  const context = currentContext();
  const place = context && places.get(context);
  place?.leave();
  try {
    return await work;
  } finally {
    place?.resume();
  }
}

/**
 * Lets so many requests work at once; the others stand in line. All at once would share connections and processors, and be late
 * together.
 */
export function createAdmission(atOnce: number): {
  /** Resolves at the request's turn; its place is free again when its answer is out. @throws unavailable */
  admit: (req: IncomingMessage, res: ServerResponse) => Promise<void> | undefined;
} {
  let working = 0;
  const line: (() => void)[] = [];

  const free = (): void => {
    working -= 1;
    if (working < atOnce) line.shift()?.();
  };

  const take = (req: IncomingMessage, res: ServerResponse, context: RequestContext | undefined): void => {
    working += 1;
    let state: 'working' | 'aside' | 'over' = 'working';
    const leaveFor = (next: 'aside' | 'over') => {
      if (state === 'working') free();
      if (state !== 'over') state = next;
    };
    whenOver(req, res, () => leaveFor('over'));
    if (context === undefined) return;
    places.set(context, {
      leave: () => leaveFor('aside'),
      resume: () => {
        if (state !== 'aside') return;
        state = 'working';
        working += 1;
      },
    });
  };

  return {
    admit: (req, res) => {
      const context = currentContext();
      if (working < atOnce) {
        take(req, res, context);
        return undefined;
      }
      return new Promise((resolve, reject) => {
        const turn = () => {
          clearTimeout(late);
          take(req, res, context);
          resolve();
        };
        const giveUp = () => {
          clearTimeout(late);
          const index = line.indexOf(turn);
          if (index < 0) return;
          line.splice(index, 1);
          reject(busy());
        };
        const late = setTimeout(giveUp, WAIT_MS);
        line.push(turn);
        whenOver(req, res, giveUp);
      });
    },
  };
}
