import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../shared/db/database.ts';
import type { Log } from '../../shared/log/log.ts';
import type { DoctorAnswer, DoctorClient } from '../doctor-client.ts';
import { cancelUnconfirmed } from './cancel.ts';
import { settle } from './settle.ts';
import { settleDue } from './settler-round.ts';
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

  /** Tells whether somebody answers. */
  const learn = async (said: DoctorAnswer): Promise<boolean> => {
    if (said.kind === 'unanswered') {
      if (said.away && answering)
        log.warn({}, 'the doctor service does not answer; asking about one appointment at a time');
      answering &&= !said.away;
    } else if (!answering) {
      answering = true;
      log.info({}, 'the doctor service answers again; all waiting appointments are due');
      await makeAllDue(db, WAKE_AT_MOST);
    }
    return answering;
  };

  /** Asks about one appointment; tells whether there may be more to do at once. */
  const probe = async (): Promise<boolean> => {
    const [wish] = await claimDue(db, 1);
    if (wish === undefined) return false;
    const { said } = await settle({ db, doctors }, wish);
    return learn(said);
  };

  /** One round; tells whether there may be more to do at once. */
  const turn = async (signal: AbortSignal): Promise<boolean> => {
    for (const id of await listExpired(db, EXPIRED_BATCH)) await cancelUnconfirmed(db, id);
    const more = await (answering ? settleDue({ db, doctors, learn, signal }) : probe());
    if (performance.now() - backlogRead > BACKLOG_INTERVAL_MS) {
      onBacklog(await readBacklog(db));
      backlogRead = performance.now();
    }
    return more && answering;
  };

  const loop = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      let more = false;
      let pauseMs = POLL_MS;
      try {
        more = await turn(signal);
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
