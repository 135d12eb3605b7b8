import { randomUUID } from 'node:crypto';
import pg from 'pg';
import {
  applicationRole,
  asSuperuser,
  createDatabase as create,
  type DatabaseName,
  ownerRole,
  superuser,
} from '../local/databases.ts';

/** How the tests' processes find the server that the global setup has started; JSON of `TestServer`. */
export const SERVER_VARIABLE = 'TEST_POSTGRES';

export interface TestServer {
  port: number;
  passwords: Readonly<Record<string, string>>;
}

export interface TestDatabase {
  /** As the role that the service works as. */
  url: string;
  /** As the owner of the schema. */
  ownerUrl: string;
  drop: () => Promise<void>;
}

export const templateOf = (service: DatabaseName): string => `${service}_template`;

/** The URL of a database of the tests' server, for a role of it. */
export function urlOf(role: string, database: string): string {
  const variable = process.env[SERVER_VARIABLE];
  if (variable === undefined) throw new Error('no test server: only tests named *.int.test.ts have one');
  const { port, passwords } = JSON.parse(variable) as TestServer;
  return `postgresql://${role}:${passwords[role]}@127.0.0.1:${port}/${database}`;
}

/** A database of its own with the service's migrated schema and no rows. */
export async function createDatabase(service: DatabaseName): Promise<TestDatabase> {
  const database = `${service}_${randomUUID().slice(0, 8)}`;
  const adminUrl = urlOf(superuser, 'postgres');
  await asSuperuser(adminUrl, (client) => create(client, database, service, templateOf(service)));
  return {
    url: urlOf(applicationRole(service), database),
    ownerUrl: urlOf(ownerRole(service), database),
    drop: () =>
      asSuperuser(adminUrl, async (client) => {
        await client.query(`drop database ${client.escapeIdentifier(database)} with (force)`);
      }),
  };
}

/** A connection to look behind the services; it may be lost. */
export async function connectAsOwner({ ownerUrl }: Pick<TestDatabase, 'ownerUrl'>): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: ownerUrl });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
