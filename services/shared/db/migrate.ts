import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { whatToMend } from './failure.ts';

export interface MigrateOptions {
  /** Of the role that owns the schema. */
  ownerUrl: string;
  /** The folder of the numbered SQL files. */
  directory: string;
  /** The role that the service works as: it gets rights on the rows and owns nothing. */
  applicationRole: string;
  log: (message: string) => void;
  waitMs?: number;
}

/** How long a database that is merely late is waited for: longer than one takes to recover, or to be scheduled elsewhere. */
const WAIT_MS = 600_000;

/** All services of one database cluster may share this key: a lock belongs to one database. */
const MIGRATION_LOCK = 7_203_817;

/**
 * What takes the application role's rights on the audit trail down to appending and reading. Its partitions are reached through their
 * parents, which says who may; and a function that works as the owner is for the application role alone.
 */
const APPEND_ONLY = `
  do $$
  declare
    present record;
  begin
    for present in select oid::regclass as name, relispartition, relkind from pg_class where relname like 'audit_%' and relkind in ('r', 'p', 'v') loop
      execute format('revoke %s on %s from %I',
                     case when present.relispartition then 'all' when present.relkind = 'v' then 'insert, update, delete' else 'update, delete' end,
                     present.name, $role);
    end loop;
    -- Time, transaction and number of an entry are the database's own.
    if to_regclass('audit_entries') is not null then
      execute format('revoke insert on audit_entries from %I', $role);
      execute format('grant insert (events, keys) on audit_entries to %I', $role);
    end if;
    for present in select oid::regprocedure as name from pg_proc where prosecdef and proname like 'audit_%' loop
      execute format('grant execute on function %s to %I', present.name, $role);
    end loop;
  end
  $$`;

/** The number of the newest migration in a folder, such as `0003`. */
export function newestMigration(directory: string): string {
  const newest = readdirSync(directory)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .at(-1);
  if (newest === undefined) throw new Error(`There is no migration in ${directory}`);
  return newest.replace(/\.sql$/, '');
}

export interface ConnectOptions {
  url: string;
  /** Where the URL was set, for who must mend it. */
  variable: string;
  log: (message: string) => void;
  waitMs?: number | undefined;
}

/** Connects, and waits for a database that is merely late. @throws Error that names the variable when waiting cannot help */
export async function connectPatiently(options: ConnectOptions): Promise<pg.Client> {
  const { url, variable, log, waitMs = WAIT_MS } = options;
  const deadline = performance.now() + waitMs;
  for (let wait = 100; ; wait = Math.min(wait * 2, 2_000)) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    // Whoever asks next is told; without a listener a lost connection would end the process with a stack.
    client.on('error', () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      // Wrong passwords and names do not get better by waiting.
      const mend = whatToMend(error, variable);
      if (mend !== undefined) throw new Error(mend);
      const { message, code } = error as Error & { code?: string };
      if (performance.now() + wait > deadline) throw error;
      log(`waiting for the database: ${message || code}`);
      await sleep(wait);
    }
  }
}

/**
 * Brings the schema up to date and grants the application role its rights on it. Safe to run from several processes at once:
 * an advisory lock lets one work and the others find nothing to do.
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const { ownerUrl, directory, applicationRole, log, waitMs } = options;
  const client = await connectPatiently({ url: ownerUrl, variable: 'OWNER_DATABASE_URL', log, waitMs });
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const done = await runner({
      dbClient: client,
      dir: directory,
      direction: 'up',
      migrationsTable: 'migrations',
      // Ours waits for the other process; the library's would fail.
      noLock: true,
      checkOrder: true,
      log: () => undefined,
      logger: { debug: () => undefined, info: () => undefined, warn: log, error: log },
    });
    const role = client.escapeIdentifier(applicationRole);
    // Before PostgreSQL 15 everybody might create tables in public.
    await client.query(`
      revoke create on schema public from public;
      grant usage on schema public to ${role};
      grant select, insert, update, delete on all tables in schema public to ${role};
      revoke insert, update, delete on migrations from ${role};
    `);
    await client.query(APPEND_ONLY.replaceAll('$role', () => client.escapeLiteral(applicationRole)));
    log(
      done.length === 0 ? 'the schema is up to date' : `migrated: ${done.map(({ name }) => name).join(', ')}`,
    );
  } finally {
    await client.end();
  }
}
