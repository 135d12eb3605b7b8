import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, Db } from '../db/database.ts';
import type { Log } from '../log/log.ts';
import { GENESIS, linkAll } from './chain.ts';
import { makeSigningKey, type SigningKey, signCheckpoint } from './checkpoint.ts';
import {
  findLastLink,
  findNextMonth,
  insertLinks,
  type LastLink,
  listUnsealed,
  lockSealing,
  makeMonths,
  readLag,
  type UnsealedEntry,
  walkIndexes,
} from './seal-store.ts';

export interface SealerParts {
  db: Database;
  log: Log;
  /** Whose chain it is. */
  service: string;
  /** What checkpoints are signed with; undefined makes a key that lives as long as the process. */
  key: SigningKey | undefined;
  /** Told after each round: how many entries it sealed, and how long the oldest that is not sealed has waited. */
  onRound: (round: { sealed: number; lagSeconds: number }) => void;
}

export interface Sealer {
  start: () => void;
  /** Resolves when what is there has been sealed and signed, or could not be. */
  stop: () => Promise<void>;
}

const BATCH = 500;
const ROUND_MS = 500;
const FAILED_ROUND_MS = 2_000;
const CHECKPOINT_MS = 1_000;
const FINISH_MS = 2_000;
const FINISH_PAUSE_MS = 50;
const MONTHS_MS = 24 * 3_600_000;

type Signed = Pick<LastLink, 'position' | 'hash' | 'entryId'>;

/** The entries to seal next. In one month they go by transaction; a month is ended before the next one begins. */
async function findNext(
  tx: Db,
  last: LastLink | undefined,
): Promise<{ entries: UnsealedEntry[]; endsMonth: boolean }> {
  const search = async (
    from: string,
    to: string,
    after: { xid: string; entryId: string },
    restoredToo: boolean,
  ) => listUnsealed(tx, { from, to, afterXid: after.xid, afterId: after.entryId, restoredToo }, BATCH);
  const start = { xid: '0', entryId: '0' };
  const isRestored = last?.isRestored ?? false;
  if (last !== undefined) {
    const { month, nextMonth } = last;
    let entries = await search(month, nextMonth, last, isRestored);
    // After a restore the transactions of the new cluster begin below those of the links.
    if (entries.length === 0 && isRestored) entries = await search(month, nextMonth, start, false);
    if (entries.length > 0) return { entries, endsMonth: false };
  }
  const next = await findNextMonth(tx, last?.nextMonth ?? '-infinity');
  if (next === undefined) return { entries: [], endsMonth: false };
  const entries = await search(next.from, next.to, start, isRestored);
  return { entries, endsMonth: last !== undefined && entries.length > 0 };
}

/** Signs where a chain ends, and writes that to the log. */
function createSigner({ log, service, key }: Pick<SealerParts, 'log' | 'service'> & { key: SigningKey }) {
  let signedPosition = 0;
  let signedAt = Number.NEGATIVE_INFINITY;
  const sign = ({ position, hash, entryId }: Signed, endOf?: string): void => {
    const time = new Date().toISOString();
    const claim = { service, position, entryId, hash, time, ...(endOf === undefined ? {} : { endOf }) };
    log.always({ checkpoint: signCheckpoint(key, claim) }, 'audit checkpoint');
    signedPosition = position;
    signedAt = performance.now();
  };
  return {
    sign,
    /** Signs a tip that was not signed yet, unless the last signature is younger than that. */
    signAnew: (tip: Signed | undefined, minAgeMs: number): void => {
      if (tip === undefined || tip.position === signedPosition) return;
      if (performance.now() - signedAt >= minAgeMs) sign(tip);
    },
  };
}

/**
 * Seals until nothing waits, another sealer is at work, or it has taken too long: entries wait for every transaction that was running
 * when they came.
 */
async function sealRest(seal: () => Promise<number | undefined>, lag: () => Promise<number>): Promise<void> {
  for (const until = performance.now() + FINISH_MS; performance.now() < until; ) {
    const sealed = await seal();
    if (sealed === undefined) return;
    if (sealed > 0) continue;
    if ((await lag()) === 0) return;
    await sleep(FINISH_PAUSE_MS);
  }
}

/**
 * Seals what is final: gives each entry its link in the chain, on any number of replicas, of which one is at work at a time. Signs a
 * checkpoint of where the chain ends at most once a second, and one where a month ends, and writes them to the log, which takes them
 * out of the reach of whoever could change the database.
 */
export function createSealer({ db, log, service, key: given, onRound }: SealerParts): Sealer {
  const key = given ?? makeSigningKey();
  const signer = createSigner({ log, service, key });
  let stopping: AbortController | undefined;
  let running: Promise<void> = Promise.resolve();
  let tip: Signed | undefined;
  let monthsMadeAt = Number.NEGATIVE_INFINITY;
  let failedAs: string | undefined;

  /** Seals one batch; returns how many entries, or undefined where another sealer is at work. */
  const seal = (): Promise<number | undefined> =>
    db.tx(async (tx) => {
      const [isFree] = await Promise.all([lockSealing(tx), walkIndexes(tx)]);
      if (!isFree) return undefined;
      const last = await findLastLink(tx);
      const { entries, endsMonth } = await findNext(tx, last);
      // Before the month is left: whoever drops it later needs this one.
      if (last !== undefined && endsMonth) signer.sign(last, last.month.slice(0, 7));
      const { position, hash } = last ?? GENESIS;
      tip = last;
      if (entries.length === 0) return 0;
      await insertLinks(tx.last, position, entries, linkAll(hash, entries));
      return entries.length;
    });

  const lag = (): Promise<number> =>
    db.tx(async (tx) => {
      const [, lagSeconds] = await Promise.all([walkIndexes(tx), readLag(tx)]);
      return lagSeconds;
    });

  const turn = async (): Promise<number> => {
    if (performance.now() - monthsMadeAt > MONTHS_MS) {
      await makeMonths(db);
      monthsMadeAt = performance.now();
    }
    const sealed = (await seal()) ?? 0;
    signer.signAnew(tip, CHECKPOINT_MS);
    onRound({ sealed, lagSeconds: await lag() });
    return sealed;
  };

  /** Seals and signs what is left: nothing would show a change of it while nobody is at work. */
  const finish = async (): Promise<void> => {
    try {
      await sealRest(seal, lag);
      signer.signAnew(tip, 0);
    } catch (error) {
      log.warn({ error }, 'the end of the audit trail could not be sealed');
    }
  };

  const loop = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      let [sealed, pauseMs] = [0, ROUND_MS];
      try {
        sealed = await turn();
        failedAs = undefined;
      } catch (error) {
        pauseMs = FAILED_ROUND_MS;
        const { message } = error as Error;
        if (message !== failedAs) log.warn({ error }, 'the audit trail cannot be sealed');
        failedAs = message;
      }
      // A batch that was full has more behind it; one that was not is signed by the next round.
      if (sealed < BATCH) await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  };

  return {
    start: () => {
      if (given === undefined)
        log.warn({}, 'AUDIT_KEY_FILE is not set: checkpoints are signed with a key of this start');
      // Whoever keeps the log can check them, and knows that the key came the same way.
      log.always({ auditKey: { keyId: key.keyId, publicKey: key.publicKey } }, 'audit key');
      stopping = new AbortController();
      running = loop(stopping.signal);
    },
    stop: async () => {
      if (stopping === undefined) return;
      stopping.abort();
      await running;
      await finish();
    },
  };
}
