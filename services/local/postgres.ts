import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, open, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CannotStart } from './cannot-start.ts';
import { freePort } from './ports.ts';
import { type Account, postgresAccount, requireReach } from './postgres-account.ts';
import {
  asAccount,
  findPrograms,
  makeCluster,
  type Programs,
  programEnvironment,
  readPasswords,
} from './postgres-cluster.ts';
import { readPostmaster, stopOrphan } from './postmaster.ts';

export interface PostgresServer {
  port: number;
  pid: number;
  passwordOf: (role: string) => string;
  url: (role: string, database: string) => string;
  /** Resolves when the server has ended, with the exit code or the signal. */
  ended: Promise<string>;
  /** Ends connections, writes a checkpoint and stops. */
  stop: () => Promise<void>;
  /** Stops at once; the next start recovers from the write-ahead log. */
  kill: () => void;
}

interface Options {
  /** Holds the data (`postgres/`), the log and the passwords. PostgreSQL's user must be able to reach it. */
  folder: string;
  /** More of postgresql.conf. Without `fsync` nothing is flushed at initdb either. */
  settings?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
}

const startDeadlineMs = 60_000;
const retryMs = 10_000;

/** Starts PostgreSQL on a free port of the loopback interface, on the data of `folder`, which the first start makes. */
export async function startPostgres({
  folder,
  settings = {},
  signal = never,
}: Options): Promise<PostgresServer> {
  await makeFolder(folder);
  const home = await realpath(folder);
  const cluster = join(home, 'postgres');
  const programs = findPrograms();
  const account = postgresAccount(cluster);
  requireReach(account, [programs.postgres, cluster]);
  const passwords = await readPasswords(home);
  if (!existsSync(cluster)) {
    const sync = settings.fsync !== 'off';
    await makeCluster({ folder: home, programs, account, passwords, sync, signal });
  }
  await stopOrphan(cluster, programs, account);
  const { server, port, ended } = await startServer({ home, cluster, programs, account, settings, signal });

  const passwordOf = (role: string) => passwords.get(role) ?? '';
  return {
    port,
    pid: server.pid ?? 0,
    passwordOf,
    url: (role, database) => `postgresql://${role}:${passwordOf(role)}@127.0.0.1:${port}/${database}`,
    ended,
    stop: async () => {
      server.kill('SIGINT');
      await ended;
    },
    kill: () => server.kill('SIGQUIT'),
  };
}

const never = new AbortController().signal;

async function makeFolder(folder: string): Promise<void> {
  // Whatever the umask: PostgreSQL's user has to pass through a folder that root makes.
  const made = await mkdir(folder, { recursive: true });
  if (made) await chmod(folder, 0o755);
}

interface Launch {
  home: string;
  cluster: string;
  programs: Programs;
  account: Account;
  settings: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

interface Started {
  server: ChildProcess;
  port: number;
  ended: Promise<string>;
}

/**
 * A server that was killed leaves processes that hold its shared memory until they notice, and another program may take
 * the port between our choice and PostgreSQL's: both pass, so it is tried again for a while.
 */
async function startServer(launch: Launch): Promise<Started> {
  for (const giveUpAt = Date.now() + retryMs; ; await sleep(200, undefined, { signal: launch.signal })) {
    const port = await freePort();
    const server = await spawnServer(launch, port);
    const ended = new Promise<string>((resolve) => {
      server.once('error', (error) => resolve(error.message));
      server.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    const outcome = await Promise.race([ended, untilReady(launch, server)]).catch((error) => {
      server.kill('SIGQUIT');
      throw error;
    });
    if (outcome === 'ready') return { server, port, ended };
    const log = join(launch.home, 'postgres.log');
    const reason = (await readFile(log, 'utf8')).match(/(?:FATAL|PANIC): {2}(.+)/g)?.at(-1) ?? outcome;
    const passes = /pre-existing shared memory|could not create any TCP\/IP sockets/.test(reason);
    if (!passes || Date.now() > giveUpAt) {
      throw new CannotStart(
        `PostgreSQL did not start (${reason}): see ${log}, or set DATA_DIR to another folder.`,
      );
    }
  }
}

async function spawnServer(
  { home, cluster, programs, account, settings }: Launch,
  port: number,
): Promise<ChildProcess> {
  const log = await open(join(home, 'postgres.log'), 'w', 0o600);
  const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...settings };
  const parameters = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(programs.postgres, ['-D', cluster, '-p', String(port), ...parameters], {
    cwd: '/',
    env: programEnvironment,
    stdio: ['ignore', log.fd, log.fd],
    // A session of its own: Ctrl-C must not reach it before the services have drained.
    detached: true,
    ...asAccount(account),
  });
  await log.close();
  return server;
}

async function untilReady({ cluster, signal }: Launch, server: ChildProcess): Promise<'ready'> {
  for (
    const giveUpAt = Date.now() + startDeadlineMs;
    Date.now() < giveUpAt;
    await sleep(20, undefined, { signal })
  ) {
    const postmaster = await readPostmaster(cluster);
    if (postmaster?.ready && postmaster.pid === server.pid) return 'ready';
    if (server.exitCode !== null || server.signalCode !== null) return await new Promise(() => {});
  }
  throw new CannotStart(`PostgreSQL was not ready after ${startDeadlineMs / 1000} s.`);
}
