import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open, readFile, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
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
import { endOf } from './processes.ts';

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
  /** An existing one, for the data (`postgres/`), the log and the passwords. PostgreSQL's user must be able to reach it. */
  folder: string;
  /** More of postgresql.conf. Without `fsync` nothing is flushed at initdb either. */
  settings?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
}

/** A recovery from the write-ahead log takes its time. */
const START_DEADLINE_MS = 60_000;
const RETRY_MS = 10_000;

/** Starts PostgreSQL on a free port of the loopback interface, on the data of `folder`, which the first start makes. */
export async function startPostgres({
  folder,
  settings = {},
  signal = never,
}: Options): Promise<PostgresServer> {
  const programs = findPrograms();
  const account = postgresAccount(join(folder, 'postgres'));
  requireReach(account, [programs.postgres, resolve(folder, 'postgres')]);
  const home = await realpath(folder);
  const cluster = join(home, 'postgres');
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
    kill: () => {
      server.kill('SIGQUIT');
      setTimeout(() => server.kill('SIGKILL'), 1_000).unref();
    },
  };
}

const never = new AbortController().signal;

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
  for (const giveUpAt = Date.now() + RETRY_MS; ; await sleep(200, undefined, { signal: launch.signal })) {
    const port = await freePort();
    const server = await spawnServer(launch, port);
    const ended = endOf(server);
    const outcome = await untilReady(launch, server, ended).catch(async (error) => {
      server.kill('SIGQUIT');
      await ended;
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
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    // The details of an error quote rows, and so patients.
    log_error_verbosity: 'terse',
    ...settings,
  };
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

/** Resolves with `ready`, or with how the server has ended before it was. */
async function untilReady(
  { cluster, signal }: Launch,
  server: ChildProcess,
  ended: Promise<string>,
): Promise<string> {
  for (const giveUpAt = Date.now() + START_DEADLINE_MS; Date.now() < giveUpAt; ) {
    const postmaster = await readPostmaster(cluster);
    if (postmaster?.ready && postmaster.pid === server.pid) return 'ready';
    const end = await Promise.race([ended, sleep(20, undefined, { signal })]);
    if (end !== undefined) return end;
  }
  throw new CannotStart(`PostgreSQL was not ready after ${START_DEADLINE_MS / 1000} s.`);
}
