import pg from 'pg';
import { databaseNames } from '../../local/databases.ts';
import { createDatabase, type TestDatabase } from '../../testing/postgres.ts';

const INSERT = `insert into audit_entries (events, keys) values ('[]', '{}')`;

describe.each(databaseNames)('the application role of the %s database', (service) => {
  let database: TestDatabase;
  let client: pg.Client;
  beforeAll(async () => {
    database = await createDatabase(service);
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query(INSERT);
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  test('inserts and selects', async () => {
    await client.query("insert into audit_links select 1, id, recorded_at, xid, '\\x00' from audit_entries");
    expect((await client.query('select from audit_links join audit_entries on id = entry_id')).rowCount).toBe(
      1,
    );
  });

  test.each([
    ['id', 'overriding system value', '777777'],
    ['recorded_at', '', `now() - interval '1 hour'`],
    ['xid', '', `'9223372036854775807'`],
  ])('may not choose the %s of an entry', async (column, overriding, value) => {
    const text = `insert into audit_entries (${column}, events, keys) ${overriding} values (${value}, '[]', '{}')`;
    await expect(client.query(text)).rejects.toMatchObject({ code: '42501' });
  });

  test('makes the months to come, again and again', async () => {
    await client.query('select audit_make_months()');
    const { rows } = await client.query<{ count: string }>(
      `select count(*) from pg_class where relname like 'audit\\_entries\\_2%' and relkind = 'r'`,
    );
    expect(rows[0]?.count).toBe('3');
  });

  test.each(['audit_entries', 'audit_links'])('may do nothing else with %s or its months', async (parent) => {
    const { rows } = await client.query<{ name: string }>(
      'select relname as name from pg_class join pg_inherits on inhrelid = oid where inhparent = $1::regclass',
      [parent],
    );
    expect(rows).toHaveLength(3);
    const months = rows.map(({ name }) => name);
    const forbidden = [parent, ...months].flatMap((table) => [
      `update ${table} set recorded_at = recorded_at`,
      `delete from ${table}`,
      `truncate ${table}`,
      `alter table ${table} disable trigger all`,
      `alter table ${table} add column note text`,
      `drop table ${table}`,
      `create trigger bend before insert on ${table} for each row execute function suppress_redundant_updates_trigger()`,
    ]);
    for (const text of [
      ...forbidden,
      ...months.map((month) => `alter table ${parent} detach partition ${month}`),
    ])
      expect([
        text,
        await client.query(text).then(
          () => 'done',
          ({ code }) => code,
        ),
      ]).toEqual([text, expect.stringMatching(/^42501$/)]);
  });
});
