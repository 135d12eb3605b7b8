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
  // With a blank instead of T, or an offset without minutes, Date reads the year 50 as 1950.
  [builtins.TIMESTAMPTZ]: (value) =>
    new Date(value.replace(' ', 'T').replace(/[+-]\d\d$/, '$&:00')).toISOString(),
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
  // Every question of ours has its index. A plan that was made while a table was nearly empty stays with the prepared statement,
  // and would go on reading all of a table that has grown.
  options: '-c TimeZone=UTC -c DateStyle=ISO -c enable_seqscan=off -c jit=off',
  keepAlive: true,
  types,
});

/** A connection that was taken from the pool, and the error after which nobody knows its state. */
interface Connection {
  client: pg.PoolClient;
  broken?: Error;
}

type Question = string | (pg.QueryConfig & { name: string });

/** Asks, and notes whether the connection can be used again: only after an error that the database itself sent. */
async function ask<Row extends pg.QueryResultRow>(
  connection: Connection,
  question: Question,
  constraints: DatabaseOptions['constraints'],
): Promise<pg.QueryResult<Row>> {
  try {
    return await connection.client.query<Row>(question);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.severity !== 'ERROR')
      connection.broken = error as Error;
    const constraint = brokenConstraint(error);
    const problem = constraint === undefined ? undefined : constraints[constraint];
    throw problem === undefined ? error : problem();
  }
}

/** Runs `work` on a connection of the pool, and throws the connection away if it broke. */
async function onConnection<Result>(
  pool: pg.Pool,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const connection: Connection = { client: await pool.connect() };
  const { client } = connection;
  // A connection that breaks while no statement runs tells it here; without a listener it would end the process.
  const onError = (error: Error) => {
    connection.broken = error;
  };
  client.on('error', onError);
  try {
    return await work(connection);
  } finally {
    client.off('error', onError);
    client.release(connection.broken);
  }
}

export function openDatabase({ url, poolMax, constraints, onIdleError }: DatabaseOptions): Database {
  const pool = new pg.Pool({ ...connectionSettings(url), max: poolMax, idleTimeoutMillis: 30_000 });
  // Without a listener the error of an idle connection would end the process.
  pool.on('error', onIdleError);

  const dbOf = (connection: Connection): Db => ({
    query: async ({ name, text }, args) => {
      const values = args as unknown as unknown[];
      return (await ask<never>(connection, { name, text, values }, constraints)).rows;
    },
  });

  return {
    // Not pool.query, which throws the connection away after any error, a broken constraint too.
    query: (statement, args) => onConnection(pool, (connection) => dbOf(connection).query(statement, args)),
    tx: (work) =>
      onConnection(pool, async (connection) => {
        try {
          await ask(connection, 'begin', constraints);
          const result = await work(dbOf(connection));
          const { command } = await ask(connection, 'commit', constraints);
          // PostgreSQL answers COMMIT with ROLLBACK when a statement of the transaction had failed.
          if (command !== 'COMMIT')
            throw new Error(`The transaction ended with ${command} instead of COMMIT`);
          return result;
        } catch (error) {
          if (connection.broken === undefined)
            await ask(connection, 'rollback', constraints).catch(() => undefined);
          throw error;
        }
      }),
    load: () => ({ size: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => pool.end(),
  };
}
