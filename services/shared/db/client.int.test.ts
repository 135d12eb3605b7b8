import { createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { Client } from './client.ts';
import { connectionSettings } from './connection.ts';

let database: TestDatabase;
let client: Client;
beforeAll(async () => {
  database = await createDatabase('doctor');
  client = new Client(connectionSettings(database.url));
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

test('a question that cannot even be asked is no answer to another one', async () => {
  const sleep = { text: 'select pg_sleep(0.2)' };
  const first = client.ask(sleep);
  const bad = client.ask({ name: 'bad', text: 'select $1::text', values: [{ of: 1n }] });
  const last = client.ask(sleep);
  await expect(bad).rejects.toThrow('BigInt');
  await first;
  expect(client.waiting).toBe(1);
  await last;
  expect(client.waiting).toBe(0);
});
