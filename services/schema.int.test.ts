import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { databaseNames } from './local/databases.ts';
import { connectAsOwner, createDatabase } from './testing/postgres.ts';
import { dumpSchema } from './testing/schema-dump.ts';

// A migration that changes a schema by accident, or a grant that is lost, shows here as a difference.
test.each(databaseNames)(
  'the %s database has the schema of its golden file after all migrations',
  async (service) => {
    const file = path.join(import.meta.dirname, service, 'schema.golden.txt');
    const database = await createDatabase(service);
    const client = await connectAsOwner(database);
    const present = await dumpSchema(client);
    await client.end();
    await database.drop();

    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, present);
    const golden = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (present !== golden) {
      const hint = `If the change is meant: UPDATE_GOLDEN=1 npm test -- --testPathPatterns schema.int, and review the difference of ${file}`;
      expect(`${hint}\n\n${present}`).toBe(`${hint}\n\n${golden}`);
    }
  },
);
