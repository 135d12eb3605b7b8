import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../shared/db/database.ts';
import type { Log } from '../../shared/log/log.ts';
import type { DoctorAnswer, DoctorClient } from '../doctor-client.ts';
import { cancelUnconfirmed } from './cancel.ts';
import type { OpenWish } from './outbox-store.ts';
import { settle } from './settle.ts';
import { type Backlog, claimDue, listExpired, makeAllDue, readBacklog } from './settler-store.ts';

export interface SettlerParts {
  db: Database;
  doctors: Pick<DoctorClient, 'ask'>;
  log: Log;
  /** Told now and then how much waits. */
  onBacklog: (backlog: Backlog) => void;
}

export interface Settler {
  start: () => void;
  /** Claims nothing more. */
  pause: () => void;
  /** Claims nothing more, and resolves when the tries under way have ended. */
  stop: () => Promise<void>;
}

const POLL_MS = 250;
/** After a round that failed. */
const FAILED_POLL_MS = 1_000;
/** Fewer than the client has connections: requests need some too. */
const AT_ONCE = 16;
/** So few that each is asked about before it is due again: another replica would ask too. */
const BATCH = 2 * AT_ONCE;
const EXPIRED_BATCH = 50;
const WAKE_AT_MOST = 20_000;
const BACKLOG_INTERVAL_MS = 2_000;

/**
 * Goes on asking about every revision that no request has settled, on any number of replicas: a claim is a row whose next try was
 * moved. While nobody answers it asks about one revision at a time; the first answer makes all of them due.
 */
export function createSettler({ db, doctors, log, onBacklog }: SettlerParts): Settler {
  let stopping: AbortController | undefined;
  let running: Promise<void> = Promise.resolve();
  let answering = true;
  let backlogRead = Number.NEGATIVE_INFINITY;
  /** What the last round failed by, if it did: told once. */
  let failedAs: string | undefined;

  const learn = async (said: DoctorAnswer): Promise<void> => {
    if (said.kind === 'unanswered') {
      if (said.away && answering)
        log.warn({}, 'the doctor service does not answer; asking about one appointment at a time');
      answering &&= !said.away;
      return;
    }
    if (answering) return;
    answering = true;
    log.info({}, 'the doctor service answers again; all waiting appointments are due');
    await makeAllDue(db, WAKE_AT_MOST);
  };

  const settleAll = async (wishes: readonly OpenWish[]): Promise<void> => {
    const queue = [...wishes];
    const work = async (): Promise<void> => {
      for (let wish = queue.shift(); wish !== undefined; wish = queue.shift()) {
        try {
          const { said } = await settle({ db, doctors }, wish);
          await learn(said);
        } catch (error) {
          queue.length = 0;
          throw error;
        }
        // The rest of the batch keeps its next try.
        if (!answering) queue.length = 0;
      }
    };
    const tries = await Promise.allSettled(Array.from({ length: Math.min(AT_ONCE, wishes.length) }, work));
    // All of them have ended: the next round must not come on top of this one.
    const failed = tries.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  };

  /** One round; tells whether there may be more to do at once. */
  const turn = async (): Promise<boolean> => {
    for (const id of await listExpired(db, EXPIRED_BATCH)) await cancelUnconfirmed(db, id);
    const limit = answering ? BATCH : 1;
    const wishes = await claimDue(db, limit);
    await settleAll(wishes);
    if (performance.now() - backlogRead > BACKLOG_INTERVAL_MS) {
      onBacklog(await readBacklog(db));
      backlogRead = performance.now();
    }
    return answering && wishes.length === limit;
  };

  const loop = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      let more = false;
      let pauseMs = POLL_MS;
      try {
        more = await turn();
        failedAs = undefined;
      } catch (error) {
        // The database is away, or a defect: either way the rows stay, and the next turn comes.
        pauseMs = FAILED_POLL_MS;
        const message = (error as Error).message;
        if (message !== failedAs) log.warn({ error }, 'rounds of the settler fail');
        failedAs = message;
      }
      if (!more) await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  };

  return {
    start: () => {
      stopping = new AbortController();
      running = loop(stopping.signal);
    },
    pause: () => stopping?.abort(),
    stop: async () => {
      stopping?.abort();
      await running;
    },
  };
}
