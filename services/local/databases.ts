import pg from 'pg';

/** Each service has a database of its own name, a role that owns it and one that only works in it. */
export const databaseNames = ['patient', 'doctor'] as const;
export type DatabaseName = (typeof databaseNames)[number];

export const superuser = 'postgres';
export const ownerRole = (name: DatabaseName): string => `${name}_owner`;
export const applicationRole = (name: DatabaseName): string => `${name}_app`;
export const allRoles = [
  superuser,
  ...databaseNames.flatMap((name) => [ownerRole(name), applicationRole(name)]),
];

/** Runs statements as the superuser, one after the other; `database` where it matters. */
export async function asSuperuser<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  // A statement that fails tells it; without a listener a lost connection would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Creates what is missing of the roles and databases, so that a start that was cut short is finished by the next. */
export async function createMissing(client: pg.Client, passwordOf: (role: string) => string): Promise<void> {
  for (const name of databaseNames) {
    for (const role of [ownerRole(name), applicationRole(name)]) {
      const { rowCount } = await client.query('select from pg_roles where rolname = $1', [role]);
      if (rowCount) continue;
      await client.query(
        `create role ${client.escapeIdentifier(role)} login password ${client.escapeLiteral(passwordOf(role))}`,
      );
    }
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (!rowCount) await createDatabase(client, name, name);
    else await closeToOthers(client, name, name);
  }
}

/** Creates a database for a service, empty or as a copy of `template`. */
export async function createDatabase(
  client: pg.Client,
  database: string,
  service: DatabaseName,
  template = 'template1',
): Promise<void> {
  const [name, owner, source] = [database, ownerRole(service), template].map((each) =>
    client.escapeIdentifier(each),
  );
  await client.query(`create database ${name} owner ${owner} template ${source}`);
  await closeToOthers(client, database, service);
}

/** A service's database is no business of the other service's roles. */
async function closeToOthers(client: pg.Client, database: string, service: DatabaseName): Promise<void> {
  const name = client.escapeIdentifier(database);
  await client.query(`revoke all on database ${name} from public`);
  await client.query(
    `grant connect on database ${name} to ${client.escapeIdentifier(applicationRole(service))}`,
  );
}
