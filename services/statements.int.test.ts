import pg from 'pg';
import { databaseNames } from './local/databases.ts';
import { connectionSettings } from './shared/db/connection.ts';
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
const statementsOfService = new Map<string, Statements>();
beforeAll(async () => {
  shared = await statementsOf('shared');
  for (const service of databaseNames)
    statementsOfService.set(service, new Map([...shared, ...(await statementsOf(service))]));
});

test.each(databaseNames)(
  'every statement of the %s service can be prepared against its schema',
  async (service) => {
    const statements = statementsOfService.get(service) ?? new Map();
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

interface PlanNode {
  'Node Type': string;
  'Index Name'?: string;
  'Index Cond'?: string;
  Plans?: PlanNode[];
}

/** What a plan reads more of than it needs, on tables that have grown since it was made. */
function* wasteOf(node: PlanNode, firstColumns: ReadonlyMap<string, string>): Generator<string> {
  const { 'Node Type': type, 'Index Name': index, 'Index Cond': condition = '' } = node;
  if (/Seq Scan|Hash Join|Merge Join/.test(type)) yield type;
  const first = firstColumns.get(index ?? '');
  if (first !== undefined && !condition.includes(first)) yield `${type} of all of ${index}`;
  // A page of a list stops when it is full.
  if (type === 'Limit') return;
  for (const child of node.Plans ?? []) yield* wasteOf(child, firstColumns);
}

function* conditionsOf(node: PlanNode): Generator<string> {
  yield node['Index Cond'] ?? '';
  for (const child of node.Plans ?? []) yield* conditionsOf(child);
}

/** What a doctor or a patient has had in all years is more than may be read for one stretch of time. */
const MORE_COLUMNS: Readonly<Record<string, string>> = { 'reservations.list_busy': 'during' };

/** Statements whose index holds only what they ask for, or that have to look at everything. */
const READ_ALL = /^(appointments\.(read_backlog|make_all_due)|calendar\.list(\/languageKeys)?)$/;

// A service prepares its statements while its tables may be empty, and keeps their plans until somebody analyzes the tables.
test.each(databaseNames)(
  'every statement of the %s service goes by the first column of an index, even if it was planned on empty tables',
  async (service) => {
    const statements = statementsOfService.get(service) ?? new Map();
    const database = await createDatabase(service);
    const client = new pg.Client(connectionSettings(database.url));
    await client.connect();
    const { rows: indexes } = await client.query<{ name: string; first: string }>(
      `select relname as name, pg_get_indexdef(oid, 1, true) as first from pg_class where relkind = 'i'`,
    );
    const firstColumns = new Map(indexes.map(({ name, first }) => [name, first]));
    const faults: string[] = [];
    for (const [name, text] of statements) {
      if (/^(rollback to )?savepoint /.test(text) || READ_ALL.test(name)) continue;
      const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
        `explain (generic_plan, format json) ${text}`,
      );
      const plan = rows[0]?.['QUERY PLAN'][0].Plan as PlanNode;
      for (const waste of wasteOf(plan, firstColumns)) faults.push(`${name}: ${waste}`);
      const more = MORE_COLUMNS[name];
      if (more !== undefined && ![...conditionsOf(plan)].some((condition) => condition.includes(more)))
        faults.push(`${name}: by no index of ${more}`);
    }
    await client.end();
    await database.drop();
    expect(faults).toEqual([]);
  },
);
