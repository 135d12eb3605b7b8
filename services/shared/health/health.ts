import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { ANSWER_TIMEOUT_MS, connectionSettings } from '../db/connection.ts';
import { whatToMend } from '../db/failure.ts';
import type { Log } from '../log/log.ts';

export interface Health {
  /** Why the service cannot take requests now; empty when it is ready. Answers from memory. */
  reasons: () => readonly string[];
  /** Whether the database answered when it was last asked; its schema may be too old all the same. */
  isDatabaseUp: () => boolean;
  stop: () => Promise<void>;
}

export interface HealthOptions {
  databaseUrl: string;
  /** What must be done once, with a database that answers, before the first request; it is tried again until it succeeds. */
  prepare?: () => Promise<void>;
  /** The newest migration that this code knows, such as `0003_history`. */
  newestMigration: string;
  log: Log;
  intervalMs?: number;
}

/** Why the database gave no answer: its own word, when it had one. */
function describeAbsence(error: unknown): string {
  const mend = whatToMend(error, 'DATABASE_URL');
  if (mend !== undefined) return mend;
  return error instanceof pg.DatabaseError
    ? `the database refuses to answer: ${error.message} (${error.code})`
    : 'the database cannot be reached';
}

/**
 * Asks the database every two seconds, on a connection of its own, so that a probe never takes one from a request.
 * Two failures in a row make the service unready; one success, with a schema not older than the code, makes it ready.
 */
export function watchDatabase({
  databaseUrl,
  prepare = async () => undefined,
  newestMigration,
  log,
  intervalMs = 2_000,
}: HealthOptions): Health {
  const pool = new pg.Pool({
    ...connectionSettings(databaseUrl),
    max: 1,
    connectionTimeoutMillis: 1_500,
    query_timeout: ANSWER_TIMEOUT_MS,
  });
  pool.on('error', () => undefined);
  let reason: string | undefined = 'the database has not been asked yet';
  let cause: string | undefined;
  let databaseUp = false;
  let failures = 0;
  let prepared = false;
  let stopped = false;
  let timer: NodeJS.Timeout;
  let ended: Promise<void> | undefined;

  const turn = (next: string | undefined, error?: Error & { code?: string }): void => {
    const nextCause = error?.code ?? error?.message;
    // One line for each change, and not for each time that we ask.
    if ((next === reason && nextCause === cause) || stopped) return;
    cause = nextCause;
    if (next === undefined) log.info({}, 'ready: the database answers and its schema is new enough');
    else log.warn({ reason: next, ...(error === undefined ? {} : { error }) }, 'not ready');
    reason = next;
  };

  const ask = async (): Promise<void> => {
    try {
      const { rows } = await pool.query<{ newest: string | null }>(
        'select max(name) as newest from migrations',
      );
      failures = 0;
      databaseUp = true;
      if (!prepared && !stopped) await prepare();
      prepared = true;
      const present = rows[0]?.newest ?? '';
      // A rollout is under way, or was taken back: the newer schema still serves this code.
      if (present > newestMigration && reason !== undefined)
        log.warn({ reason: `${present} instead of ${newestMigration}` }, 'the schema is newer than the code');
      turn(
        present < newestMigration
          ? `the schema is older than the code: ${present || 'none'} instead of ${newestMigration}; run migrate`
          : undefined,
      );
    } catch (error) {
      failures += 1;
      // 42P01: the table of migrations does not exist yet.
      const missing = (error as { code?: string }).code === '42P01';
      if (missing) {
        databaseUp = true;
        turn(`the schema is older than the code: none instead of ${newestMigration}; run migrate`);
      } else if (failures >= 2 || reason !== undefined) {
        databaseUp = false;
        turn(describeAbsence(error), error as Error);
      }
    }
    if (!stopped) timer = setTimeout(ask, reason === undefined ? intervalMs : Math.min(intervalMs, 500));
  };
  timer = setTimeout(ask, 0);

  return {
    reasons: () => (reason === undefined ? [] : [reason]),
    isDatabaseUp: () => databaseUp,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      ended ??= pool.end();
      await ended;
    },
  };
}

/** The version in package.json, for `build_info` and the OpenAPI document. */
export async function packageVersion(): Promise<string> {
  const manifest = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
