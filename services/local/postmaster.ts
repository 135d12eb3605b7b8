import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CannotStart } from './cannot-start.ts';
import type { Account } from './postgres-account.ts';
import { asAccount, type Programs, programEnvironment } from './postgres-cluster.ts';
import { commandOf } from './processes.ts';

const run = promisify(execFile);

/** What a running server writes about itself into its data folder. */
interface Postmaster {
  pid: number;
  dataFolder: string;
  ready: boolean;
}

export async function readPostmaster(cluster: string): Promise<Postmaster | undefined> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '');
  const [pid, dataFolder, , , , , , status] = text.split('\n').map((line) => line.trim());
  if (!pid || !dataFolder) return undefined;
  return { pid: Number(pid), dataFolder, ready: status === 'ready' };
}

/**
 * Stops the server that outlived a SIGKILL of whoever started it, and holds the data folder. The file of a server that
 * is gone is removed only when its process id now belongs to another program: PostgreSQL itself would take that one
 * for the server and refuse.
 */
export async function stopOrphan(cluster: string, programs: Programs, account: Account): Promise<void> {
  const postmaster = await readPostmaster(cluster);
  if (!postmaster) return;
  const command = commandOf(postmaster.pid);
  if (!command?.includes('postgres') || !command.includes(postmaster.dataFolder)) {
    await rm(join(cluster, 'postmaster.pid'), { force: true });
    return;
  }
  const stop = (mode: string, seconds: number) =>
    run(programs.pgCtl, ['stop', '-D', cluster, '-m', mode, '-w', '-t', String(seconds)], {
      cwd: '/',
      env: programEnvironment,
      ...asAccount(account),
    });
  await stop('fast', 5)
    .catch(() => stop('immediate', 5))
    .catch(() => {
      throw new CannotStart(
        `A PostgreSQL of an earlier start (process ${postmaster.pid}) holds ${cluster} and does not stop: kill -9 ${postmaster.pid}`,
      );
    });
}
