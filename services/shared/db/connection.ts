import { Socket } from 'node:net';
import pg from 'pg';

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

/** `pg` writes a handful of small buffers for each question: as one they cost less than as a list. */
class JoiningSocket extends Socket {
  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'buffer' as BufferEncoding, done);
  }
}

/**
 * Sends what is asked in one turn of the event loop with one write, on this connection by whomever. The write is what costs: the
 * database's process wakes for each.
 */
class BatchingSocket extends JoiningSocket {
  #isHolding = false;

  /** `pg` corks before each question and uncorks after it; this cork holds until the turn ends. */
  override cork(): void {
    super.cork();
    if (this.#isHolding) return;
    this.#isHolding = true;
    super.cork();
    setImmediate(() => this.endOfTurn());
  }

  protected endOfTurn(): void {
    this.#isHolding = false;
    this.uncork();
  }
}

/**
 * Sends what is asked while the database is silent when it is heard again, as Nagle's algorithm does with bytes (RFC 896): what comes
 * from many requests then gathers, however few come in one turn.
 */
class GatheringSocket extends BatchingSocket {
  #isUnanswered = false;
  #isDue = false;

  constructor() {
    super();
    this.on('data', () => {
      this.#isUnanswered = false;
      if (this.#isDue) this.endOfTurn();
    });
  }

  protected override endOfTurn(): void {
    this.#isDue = this.#isUnanswered;
    if (this.#isDue) return;
    this.#isUnanswered = true;
    super.endOfTurn();
  }
}

/** How a connection sends: each question at once, those of a turn together, or also those that come before an answer. */
const SOCKETS = { atOnce: JoiningSocket, byTurn: BatchingSocket, byAnswer: GatheringSocket };

/** How long a request waits for a free connection, or for a new one, before it is answered 503. */
const CONNECTION_WAIT_MS = 500;
/** What one statement may take; the server enforces it. */
const STATEMENT_TIMEOUT_MS = 2_000;
/** How long an answer is waited for: a server that is alive has ended the statement long before. */
export const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 1_000;

/** Settings of every connection of a service to its database. */
export const connectionSettings = (url: string, sends: keyof typeof SOCKETS = 'byTurn'): pg.ClientConfig => ({
  connectionString: url,
  connectionTimeoutMillis: CONNECTION_WAIT_MS,
  statement_timeout: STATEMENT_TIMEOUT_MS,
  idle_in_transaction_session_timeout: 10_000,
  // Every question of ours has its index. A plan that was made while a table was nearly empty stays with the prepared statement,
  // and would go on reading all of a table that has grown. With this path nobody's function comes before PostgreSQL's of that name.
  options:
    '-c search_path=public -c TimeZone=UTC -c DateStyle=ISO -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off',
  keepAlive: true,
  // A question need not wait for the answer before it.
  pipeline: true,
  stream: () => new SOCKETS[sends](),
  types,
});
