import pg from 'pg';
import { databaseNames } from './local/databases.ts';
import { definedStatements } from './shared/db/statement.ts';
import { createDatabase } from './testing/postgres.ts';
import { readSources } from './testing/source-tree.ts';

type Statements = Map<string, string>;

interface List {
  defineAll: () => void;
}
const isList = (value: unknown): value is List =>
  typeof value === 'object' && value !== null && typeof (value as Partial<List>).defineAll === 'function';

/** The files below services/ that define statements, of a service or of the plumbing. */
const storesOf = (folder: string): string[] =>
  readSources()
    .filter(
      ({ path, imports }) =>
        path.startsWith(`${folder}/`) &&
        !path.endsWith('.test.ts') &&
        imports.some(({ from, isType }) => !isType && /^shared\/db\/(statement|list)\.ts$/.test(from)),
    )
    .map(({ path }) => path);

/** What the stores of a folder define, every order and filter of their lists included. */
async function statementsOf(folder: string): Promise<Statements> {
  const before = new Set(definedStatements().map(({ name }) => name));
  for (const store of storesOf(folder)) {
    const module = (await import(`./${store}`)) as Record<string, unknown>;
    for (const value of Object.values(module)) if (isList(value)) value.defineAll();
  }
  return new Map(definedStatements().flatMap(({ name, text }) => (before.has(name) ? [] : [[name, text]])));
}

let shared: Statements;
beforeAll(async () => {
  shared = await statementsOf('shared');
});

test.each(databaseNames)(
  'every statement of the %s service can be prepared against its schema',
  async (service) => {
    const statements = new Map([...shared, ...(await statementsOf(service))]);
    expect(shared.size).toBeGreaterThan(5);
    expect(statements.size).toBeGreaterThan(shared.size + 20);
    const database = await createDatabase(service);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const faults: string[] = [];
    let number = 0;
    for (const [name, text] of statements) {
      number += 1;
      // A savepoint cannot be prepared by SQL; it needs no schema either.
      if (/^(rollback to )?savepoint /.test(text)) continue;
      await client
        .query(`prepare statement_${number} as ${text}`)
        .catch(({ message }: Error) => faults.push(`${name}: ${message}`));
    }
    await client.end();
    await database.drop();
    expect(faults).toEqual([]);
  },
);
