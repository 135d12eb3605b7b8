import type pg from 'pg';
import { eventually } from './eventually.ts';
import { connectAsOwner } from './postgres.ts';

/** How many deadlocks a database has counted. To be asked when its service has stopped: a connection reports its own at its end. */
export async function countDeadlocks(db: pg.Client): Promise<number> {
  await eventually(async () => {
    const { rowCount } = await db.query(
      // Autovacuum is not meant: on a busy machine it takes its time.
      `select from pg_stat_activity
        where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`,
    );
    if (rowCount !== 0) throw new Error(`${rowCount} connections are still there`);
  });
  const { rows } = await db.query<{ deadlocks: number }>(
    'select deadlocks::integer from pg_stat_database where datname = current_database()',
  );
  return rows[0]?.deadlocks ?? 0;
}

/** The same, on a connection of its own. */
export async function deadlocksIn(database: { ownerUrl: string }): Promise<number> {
  const client = await connectAsOwner(database);
  try {
    return await countDeadlocks(client);
  } finally {
    await client.end();
  }
}
