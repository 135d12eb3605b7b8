import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  applicationRole,
  asSuperuser,
  createMissing,
  type DatabaseName,
  ownerRole,
  superuser,
} from '../../services/local/databases.ts';
import { type PostgresServer, startPostgres } from '../../services/local/postgres.ts';
import { migrate } from '../../services/shared/db/migrate.ts';
import { eventually } from '../../services/testing/eventually.ts';
import { awakeMs } from './awake.ts';
import { mountVolume, type Volume } from './volume.ts';

/** The PostgreSQL of one service, on a server of its own that can be killed and started again on what it had written. */
export interface Server {
  service: DatabaseName;
  /** What its data is on, if that can be filled up. */
  volume: Volume | undefined;
  /** Past every proxy; they change with each start. */
  ownerUrl: () => string;
  applicationUrl: () => string;
  /** SIGKILL of the postmaster alone: its backends notice by themselves. Resolves when another one is ready. */
  crash: () => Promise<void>;
  /** Starts it if it has ended by itself, as on a full disk; resolves when it takes connections. */
  revive: () => Promise<void>;
  stop: () => Promise<void>;
}

const SETTINGS = { max_connections: '200', shared_buffers: '256MB' };
const START_DEADLINE_MS = 90_000;

interface Options {
  service: DatabaseName;
  folder: string;
  /** Whether its data goes to a volume that can be filled up; where none can be mounted it says why, and goes without. */
  onVolume: boolean;
  log: (line: string) => void;
  /** Told the port of each start. */
  onStart: (port: number) => void;
}

function volumeAt(folder: string, log: Options['log']): Volume | undefined {
  const volume = mountVolume(folder);
  if (typeof volume !== 'string') return volume;
  log(`no full disk in this run, another fault instead: a tmpfs cannot be mounted (${volume})`);
  return undefined;
}

/** While the disk is full, or the backends of the last one hold its memory, it cannot start. */
const startPatiently = (folder: string): Promise<PostgresServer> =>
  eventually(() => startPostgres({ folder, settings: SETTINGS }), START_DEADLINE_MS, awakeMs);

/** Starts the server of a service, with an empty database of the newest schema. */
export async function startServer({ service, folder, onVolume, log, onStart }: Options): Promise<Server> {
  const home = join(folder, service);
  await mkdir(home, { mode: 0o755 });
  const volume = onVolume ? volumeAt(home, log) : undefined;
  let hasEnded = false;
  const start = async (): Promise<PostgresServer> => {
    const started = await startPatiently(home);
    hasEnded = false;
    void started.ended.then(() => {
      if (server === started) hasEnded = true;
    });
    onStart(started.port);
    return started;
  };
  let server = await start();
  process.once('exit', () => {
    if (!hasEnded) process.kill(server.pid, 'SIGQUIT');
    volume?.remove();
  });
  const ownerUrl = () => server.url(ownerRole(service), service);
  await asSuperuser(server.url(superuser, 'postgres'), (client) => createMissing(client, server.passwordOf));
  const directory = join(import.meta.dirname, '../../services', service, 'migrations');
  await migrate({
    ownerUrl: ownerUrl(),
    directory,
    applicationRole: applicationRole(service),
    log: () => undefined,
  });

  let turn = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    turn = turn.then(work);
    return turn;
  };
  return {
    service,
    volume,
    ownerUrl,
    applicationUrl: () => server.url(applicationRole(service), service),
    crash: () =>
      inTurn(async () => {
        if (!hasEnded) process.kill(server.pid, 'SIGKILL');
        await server.ended;
        server = await start();
      }),
    revive: () =>
      inTurn(() =>
        eventually(
          async () => {
            if (hasEnded) server = await start();
            // It may be ending, or recovering, for some time after the room is there again.
            await asSuperuser(server.url(superuser, 'postgres'), () => Promise.resolve());
          },
          START_DEADLINE_MS,
          awakeMs,
        ),
      ),
    stop: async () => {
      await turn;
      await server.stop();
      volume?.remove();
    },
  };
}
