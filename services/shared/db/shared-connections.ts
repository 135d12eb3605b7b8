import pg from 'pg';
import { queryOf } from './connection.ts';

export interface SharedConnections {
  /** Asks on a connection that others ask on too; undefined when all of them are busy or away. */
  ask: <Row extends pg.QueryResultRow>(question: pg.QueryConfig) => Promise<pg.QueryResult<Row>> | undefined;
  /** Opens those that are not open. @throws what the database said */
  connect: () => Promise<void>;
  close: () => Promise<void>;
}

/** Two connections take what a full house asks; a question costs the pool twice as much. More than this waits for something slow. */
const MAX_WAITING = 128;
/** The database is asked again for a connection that broke, no sooner than this after the last try. */
const RECONNECT_MS = 500;

interface SharedConnection {
  client?: pg.Client | undefined;
  waiting: number;
  triedAt: number;
}

/**
 * A few connections for single quick questions, each sent without waiting for the answers before it: a question on one of them costs
 * about half of one on a connection of its own. Never a transaction: the others' questions would be inside it.
 */
export function shareConnections(
  settings: pg.ClientConfig,
  count: number,
  onError: (error: Error) => void,
): SharedConnections {
  const connections = Array.from(
    { length: count },
    (): SharedConnection => ({ waiting: 0, triedAt: Number.NEGATIVE_INFINITY }),
  );
  let closed = false;

  const connect = async (connection: SharedConnection): Promise<void> => {
    connection.triedAt = performance.now();
    const client = new pg.Client(settings);
    // It may end in the packet that opens it, before anybody was told that it is open.
    let lost: Error | undefined;
    const leave = () => {
      if (connection.client === client) connection.client = undefined;
    };
    client.on('error', (error) => {
      lost = error;
      leave();
      onError(error);
    });
    client.on('end', leave);
    await client.connect();
    if (closed || lost !== undefined) await client.end();
    else connection.client = client;
    if (lost !== undefined) throw lost;
  };

  return {
    ask: (question) => {
      let best: SharedConnection | undefined;
      for (const connection of connections) {
        if (connection.client === undefined) {
          // The pool meets the same trouble, and tells it to a caller.
          if (!closed && performance.now() - connection.triedAt > RECONNECT_MS)
            connect(connection).catch(() => undefined);
        } else if (connection.waiting < (best?.waiting ?? MAX_WAITING)) best = connection;
      }
      if (best?.client === undefined) return undefined;
      const { client } = best;
      const connection = best;
      connection.waiting += 1;
      return new Promise((resolve, reject) => {
        client.query(
          queryOf<never>(question, (error, answer) => {
            connection.waiting -= 1;
            if (error) reject(error);
            else resolve(answer);
          }),
        );
      });
    },
    connect: async () => {
      await Promise.all(connections.map((connection) => connection.client ?? connect(connection)));
    },
    close: async () => {
      closed = true;
      await Promise.all(connections.map(({ client }) => client?.end()));
    },
  };
}
