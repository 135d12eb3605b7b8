import type pg from 'pg';
import { Client } from './client.ts';

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
  client?: Client | undefined;
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
    (): SharedConnection => ({ triedAt: Number.NEGATIVE_INFINITY }),
  );
  let closed = false;

  const connect = async (connection: SharedConnection): Promise<void> => {
    connection.triedAt = performance.now();
    const client = new Client(settings);
    // It may end in the packet that opens it, before anybody was told that it is open.
    let lost: Error | undefined;
    const leave = () => {
      if (connection.client === client) connection.client = undefined;
    };
    client.on('error', (error) => {
      // What follows from it, such as the end of the connection, is no news.
      if (lost !== undefined) return;
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
      let best: Client | undefined;
      for (const connection of connections) {
        const { client } = connection;
        if (client === undefined) {
          // The pool meets the same trouble, and tells it to a caller.
          if (!closed && performance.now() - connection.triedAt > RECONNECT_MS)
            connect(connection).catch(() => undefined);
        } else if (client.waiting < (best?.waiting ?? MAX_WAITING)) best = client;
      }
      return best?.ask<never>(question);
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
