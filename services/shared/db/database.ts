import pg from 'pg';
import type { Problem } from '../problem/problem.ts';
import { brokenConstraint } from './failure.ts';
import type { Statement } from './statement.ts';

/** What a store needs: a pool or a transaction. */
export interface Db {
  query<Args extends readonly unknown[], Row extends object>(
    statement: Statement<Args, Row>,
    args: Args,
  ): Promise<Row[]>;
}

export interface Database extends Db {
  /**
   * Runs `work` in one transaction, READ COMMITTED, and commits it. Retries nothing by itself.
   * A failure while committing means "unknown": the caller must be able to repeat.
   */
  tx<Result>(work: (tx: Db) => Promise<Result>): Promise<Result>;
  /** Connections in use and waiting, for metrics. */
  load(): { size: number; idle: number; waiting: number };
  close(): Promise<void>;
}

export interface DatabaseOptions {
  url: string;
  /** At most this many connections. */
  poolMax: number;
  /** The problem that a broken constraint means, by the constraint's name. */
  constraints: Readonly<Record<string, () => Problem>>;
  /** Told about errors of idle connections, which have no caller. */
  onIdleError: (error: Error) => void;
}

const { builtins } = pg.types;

// Instants leave as RFC 3339 text and dates as they are stored, so that no Date object with a zone is in between.
const parsers: Readonly<Record<number, (value: string) => unknown>> = {
  [builtins.TIMESTAMPTZ]: (value) => new Date(value).toISOString(),
  [builtins.DATE]: (value) => value,
  [builtins.TIMESTAMP]: (value) => value.replace(' ', 'T').slice(0, 16),
  [builtins.INT8]: (value) => Number(value),
};

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    (format !== 'binary' && parsers[oid]) ||
    pg.types.getTypeParser(oid, format as 'text')) as pg.CustomTypesConfig['getTypeParser'],
};

/** How long a request waits for a free connection, or for a new one, before it is answered 503. */
const CONNECTION_WAIT_MS = 500;
/** What one statement may take; the server enforces it, and the client when the server is silent. */
const STATEMENT_TIMEOUT_MS = 2_000;

/** Settings of every connection of a service to its database. */
export const connectionSettings = (url: string): pg.ClientConfig => ({
  connectionString: url,
  connectionTimeoutMillis: CONNECTION_WAIT_MS,
  statement_timeout: STATEMENT_TIMEOUT_MS,
  query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
  idle_in_transaction_session_timeout: 10_000,
  options: '-c TimeZone=UTC -c DateStyle=ISO',
  keepAlive: true,
  types,
});

async function run<Args extends readonly unknown[], Row extends object>(
  client: pg.Pool | pg.PoolClient,
  { name, text }: Statement<Args, Row>,
  args: Args,
  constraints: DatabaseOptions['constraints'],
): Promise<Row[]> {
  try {
    const { rows } = await client.query<Row>({ name, text, values: args as unknown as unknown[] });
    return rows;
  } catch (error) {
    const constraint = brokenConstraint(error);
    const problem = constraint === undefined ? undefined : constraints[constraint];
    throw problem === undefined ? error : problem();
  }
}

export function openDatabase({ url, poolMax, constraints, onIdleError }: DatabaseOptions): Database {
  const pool = new pg.Pool({ ...connectionSettings(url), max: poolMax, idleTimeoutMillis: 30_000 });
  // Without a listener the error of an idle connection would end the process.
  pool.on('error', onIdleError);

  return {
    query: (statement, args) => run(pool, statement, args, constraints),
    tx: async (work) => {
      const client = await pool.connect();
      // A connection that breaks while no query runs emits the error on the client.
      let broken: Error | undefined;
      const onError = (error: Error) => {
        broken = error;
      };
      client.on('error', onError);
      try {
        await client.query('begin');
        const result = await work({ query: (statement, args) => run(client, statement, args, constraints) });
        const { command } = await client.query('commit');
        // PostgreSQL answers COMMIT with ROLLBACK when a statement of the transaction had failed.
        if (command !== 'COMMIT') throw new Error(`The transaction ended with ${command} instead of COMMIT`);
        return result;
      } catch (error) {
        await client.query('rollback').catch((failure: Error) => {
          broken = failure;
        });
        throw error;
      } finally {
        client.off('error', onError);
        client.release(broken);
      }
    },
    load: () => ({ size: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => pool.end(),
  };
}
