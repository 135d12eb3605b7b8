import { spawn } from 'node:child_process';
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  allRoles,
  applicationRole,
  asSuperuser,
  createDatabase,
  createMissing,
  databaseNames,
  ownerRole,
  superuser,
} from '../local/databases.ts';
import { startPostgres } from '../local/postgres.ts';
import { migrate } from '../shared/db/migrate.ts';
import { SERVER_VARIABLE, type TestServer, templateOf } from './postgres.ts';

declare global {
  var stopTestServer: () => Promise<void>;
}

/** Whatever is lost when the machine crashes is lost with the tests that made it. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off', max_connections: '300', log_min_messages: 'fatal' };

/** Starts one PostgreSQL for all tests, with a migrated template per service. */
// biome-ignore lint/style/noDefaultExport: jest asks for one
export default async function startTestServer(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'clinic-test-'));
  await chmod(folder, 0o755);
  removeWhenWeEnd(folder);
  const server = await startPostgres({ folder, settings: SETTINGS });
  globalThis.stopTestServer = server.stop;

  await asSuperuser(server.url(superuser, 'postgres'), async (client) => {
    await createMissing(client, server.passwordOf);
    for (const service of databaseNames) await createDatabase(client, templateOf(service), service);
  });
  await Promise.all(
    databaseNames.map((service) =>
      migrate({
        ownerUrl: server.url(ownerRole(service), templateOf(service)),
        directory: join(import.meta.dirname, '..', service, 'migrations'),
        applicationRole: applicationRole(service),
        log: () => undefined,
      }),
    ),
  );
  const passwords = Object.fromEntries(allRoles.map((role) => [role, server.passwordOf(role)]));
  process.env[SERVER_VARIABLE] = JSON.stringify({ port: server.port, passwords } satisfies TestServer);
}

/** However we end, Ctrl-C and SIGKILL included: this shell then stops the server, if it still runs, and removes its files. */
function removeWhenWeEnd(folder: string): void {
  const script =
    'cat; pid=$(head -n 1 "$0/postgres/postmaster.pid") && kill -QUIT "$pid"; sleep 1; rm -rf "$0"';
  spawn('sh', ['-c', script, folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] }).unref();
}
