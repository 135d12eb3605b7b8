import { types } from 'node:util';
import pg from 'pg';
import type { Problem } from '../problem/problem.ts';
import { Client } from './client.ts';
import { connectionSettings } from './connection.ts';
import { brokenConstraint } from './failure.ts';
import { shareConnections } from './shared-connections.ts';
import type { Lane, Statement } from './statement.ts';

/** What a store needs: a pool or a transaction. */
export interface Db {
  query<Args extends readonly unknown[], Row extends object>(
    statement: Statement<Args, Row>,
    args: Args,
  ): Promise<Row[]>;
}

export interface Tx extends Db {
  /**
   * Asks the last statement: COMMIT goes out with it, so nothing may be asked after it, and what it did stays even if `work` throws
   * later.
   */
  readonly last: Db;
}

export interface TransactionOptions {
  /**
   * The first statements lock and read, and what they say is waited for before anything is written: they may go out together
   * with BEGIN. Where BEGIN then fails, each of them was a transaction of its own, and that did nothing.
   */
  beginsByLocking?: boolean;
}

export interface Database extends Db {
  /**
   * Runs `work` in one transaction, READ COMMITTED, and commits it. Retries nothing by itself. Statements that `work` asks without
   * waiting go out together and run in this order, each with a snapshot of its own.
   * A failure while committing means "unknown": the caller must be able to repeat.
   */
  tx<Result>(work: (tx: Tx) => Promise<Result>, options?: TransactionOptions): Promise<Result>;
  /**
   * Opens all connections, which then stay open: a request that meets a pool that is not full waits for a new connection of its own,
   * and on a busy machine not long enough. For the start, before there are requests.
   * @throws what the database said, or a timeout
   */
  warm(): Promise<void>;
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

/** How many connections the lanes have, beside the pool, which has the transactions. */
const LANE_CONNECTIONS: Readonly<Record<Lane, number>> = { lookups: 2, appends: 1 };

const BEGIN: pg.QueryConfig = { name: 'begin', text: 'begin' };
const COMMIT: pg.QueryConfig = { name: 'commit', text: 'commit' };
const ROLLBACK: pg.QueryConfig = { name: 'rollback', text: 'rollback' };

const questionOf = (
  { name, text }: { name: string; text: string },
  args: readonly unknown[],
): pg.QueryConfig => ({ name, text, values: args as unknown[] });

type RowsOf = <Row>(answer: Promise<pg.QueryResult<never>>) => Promise<Row[]>;

type PoolClient = Client & pg.PoolClient;

/** A connection that was taken from the pool, and the error after which nobody knows its state. */
interface Connection {
  client: PoolClient;
  broken?: Error;
  /** The last failure that was not the consequence of another one. */
  failure?: unknown;
}

/** 25P02 says only that a statement before this one failed. */
const isConsequence = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === '25P02';

/**
 * Asks, and notes whether the connection can be used again: only after an error that the database itself sent. Of statements that went
 * out together each says why the first one failed: whoever waits for all of them may hear the last one first.
 */
async function ask(connection: Connection, question: pg.QueryConfig): Promise<pg.QueryResult<never>> {
  if (connection.broken !== undefined) throw connection.broken;
  try {
    return await connection.client.ask<never>(question);
  } catch (error) {
    // Otherwise it tells of the socket, and not of whoever asked.
    if (types.isNativeError(error)) Error.captureStackTrace(error);
    if (!(error instanceof pg.DatabaseError) || error.severity !== 'ERROR')
      connection.broken = error as Error;
    if (!isConsequence(error)) connection.failure = error;
    throw connection.failure ?? error;
  }
}

/** Takes a connection of the pool; given back it is thrown away if it broke. */
async function takeConnection(pool: pg.Pool): Promise<{ connection: Connection; giveBack: () => void }> {
  const connection: Connection = { client: (await pool.connect()) as PoolClient };
  const { client } = connection;
  // A connection that breaks while no statement runs tells it here; without a listener it would end the process.
  const onError = (error: Error) => {
    connection.broken = error;
  };
  client.on('error', onError);
  return {
    connection,
    giveBack: () => {
      client.off('error', onError);
      client.release(connection.broken);
    },
  };
}

async function onConnection<Result>(
  pool: pg.Pool,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const { connection, giveBack } = await takeConnection(pool);
  try {
    return await work(connection);
  } finally {
    giveBack();
  }
}

/** Runs `work` between BEGIN and COMMIT. */
async function inTransaction<Result>(
  connection: Connection,
  work: (tx: Tx) => Promise<Result>,
  { beginsByLocking }: TransactionOptions,
  rowsOf: RowsOf,
): Promise<Result> {
  let committed: Promise<pg.QueryResult<never>> | undefined;
  const tx: Tx = {
    query: async (statement, args) => {
      if (committed !== undefined) throw new Error('A statement came after the last one of its transaction');
      return rowsOf(ask(connection, questionOf(statement, args)));
    },
    last: {
      query: (statement, args) => {
        const rows = tx.query(statement, args);
        committed ??= handled(ask(connection, COMMIT));
        return rows;
      },
    },
  };
  const begun = handled(
    ask(connection, BEGIN).catch((error: Error) => {
      // What is sent on it would be a transaction of its own, statement by statement.
      connection.broken = error;
      throw error;
    }),
  );
  try {
    if (!beginsByLocking) await begun;
    const result = await work(tx);
    await begun;
    const { command } = await (committed ?? ask(connection, COMMIT));
    // PostgreSQL answers COMMIT with ROLLBACK when a statement of the transaction had failed.
    if (command !== 'COMMIT') throw new Error(`The transaction ended with ${command} instead of COMMIT`);
    return result;
  } catch (error) {
    // The connection goes back only when it is out of the transaction.
    if (connection.broken === undefined)
      await (committed ?? ask(connection, ROLLBACK)).catch(() => undefined);
    throw error;
  }
}

/** A promise that is waited for later, and is no unhandled rejection until then. */
function handled<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => undefined);
  return promise;
}

export function openDatabase({ url, poolMax, constraints, onIdleError }: DatabaseOptions): Database {
  const pool = new pg.Pool({ ...connectionSettings(url), min: poolMax, max: poolMax, Client });
  // Without a listener the error of an idle connection would end the process.
  pool.on('error', onIdleError);
  // Nor may it be without one between the pool's listener and that of whoever takes it: the packet that opens a connection may hold
  // its end too. Whoever takes it then is told by its first statement.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const lanes = {
    lookups: shareConnections(connectionSettings(url, 'byAnswer'), LANE_CONNECTIONS.lookups, onIdleError),
    appends: shareConnections(connectionSettings(url, 'atOnce'), LANE_CONNECTIONS.appends, onIdleError),
  };

  /** Throws the problem that a broken constraint means. */
  const withProblems = async <Result>(work: Promise<Result>): Promise<Result> => {
    try {
      return await work;
    } catch (error) {
      const constraint = brokenConstraint(error);
      const problem = constraint === undefined ? undefined : constraints[constraint];
      throw problem === undefined ? error : problem();
    }
  };
  const rowsOf: RowsOf = async (answer) => (await withProblems(answer)).rows;

  return {
    // Not pool.query, which throws the connection away after any error, a broken constraint too.
    query: (statement, args) =>
      rowsOf(
        (statement.lane && lanes[statement.lane].ask(questionOf(statement, args))) ??
          onConnection(pool, (connection) => ask(connection, questionOf(statement, args))),
      ),
    tx: (work, options = {}) =>
      onConnection(pool, (connection) =>
        // A constraint that is checked at the end breaks while committing.
        withProblems(inTransaction(connection, work, options, rowsOf)),
      ),
    warm: async () => {
      const opened = await Promise.allSettled(Array.from({ length: poolMax }, () => takeConnection(pool)));
      for (const result of opened) if (result.status === 'fulfilled') result.value.giveBack();
      for (const result of opened) if (result.status === 'rejected') throw result.reason;
      await Promise.all([lanes.lookups.connect(), lanes.appends.connect()]);
    },
    load: () => ({ size: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: async () => {
      await Promise.all([lanes.lookups.close(), lanes.appends.close(), pool.end()]);
    },
  };
}
