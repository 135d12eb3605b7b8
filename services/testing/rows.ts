import type pg from 'pg';

/** The tables of a service's database, those of its migrations and partitions left out. @param like a pattern of their names */
export async function tablesOf(db: pg.Client, like = '%'): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
        and relname like $1 and relname not like '%migrations' order by 1`,
    [like],
  );
  return rows.map(({ name }) => name);
}

/** Everything that tables hold: each row as JSON. */
export async function rowsOf(db: pg.Client, like?: string): Promise<string[]> {
  const texts: string[] = [];
  for (const table of await tablesOf(db, like)) {
    const { rows } = await db.query<{ text: string }>(
      `select row_to_json(each)::text as text from ${table} each order by 1`,
    );
    texts.push(...rows.map(({ text }) => `${table} ${text}`));
  }
  return texts;
}

/** Everything that a service keeps but its audit trail. */
export const dataOf = async ({ db }: { db: pg.Client }): Promise<string[]> =>
  (await rowsOf(db)).filter((row) => !row.startsWith('audit'));
