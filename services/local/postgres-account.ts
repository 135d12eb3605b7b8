import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { CannotStart } from './cannot-start.ts';

/** The operating system's user that runs PostgreSQL. Without `uid` and `gid` it is the one who runs us. */
export interface Account {
  name: string;
  uid?: number;
  gid?: number;
}

/**
 * PostgreSQL refuses to run as root. Started by root it runs as the owner of its data folder, at first as `postgres`
 * or, where no such user exists, as `nobody`: no user is created.
 * Throws CannotStart when the data folder belongs to somebody who cannot run it.
 */
export function postgresAccount(dataFolder: string): Account {
  const self = process.getuid?.();
  const owner = existsSync(dataFolder) ? statSync(dataFolder) : undefined;
  if (self !== 0) {
    if (owner && owner.uid !== self) {
      throw new CannotStart(
        `${dataFolder} belongs to the user with the id ${owner.uid} (started by root before?): sudo chown -R ${self} '${dirname(dataFolder)}', or set DATA_DIR to another folder.`,
      );
    }
    return { name: 'the user who starts it' };
  }
  if (owner?.uid === 0) {
    throw new CannotStart(
      `${dataFolder} belongs to root, and PostgreSQL refuses to run as root: chown -R postgres '${dataFolder}', or set DATA_DIR to another folder.`,
    );
  }
  if (owner) return { name: `the user with the id ${owner.uid}`, uid: owner.uid, gid: owner.gid };
  const account = findAccount('postgres') ?? findAccount('nobody');
  if (!account) {
    throw new CannotStart(
      'PostgreSQL refuses to run as root, and there is no user `postgres` to run it as: create one (useradd --system postgres), or start as a normal user.',
    );
  }
  return account;
}

function findAccount(name: string): Account | undefined {
  try {
    const id = (flag: string) =>
      Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }));
    return { name: `the user ${name}`, uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

const printFoldersNotEntered = 'for folder do [ -x "$folder" ] || { echo "$folder"; break; }; done';

/** Throws CannotStart, naming the folder, when the account may not pass through every folder above one of the paths. */
export function requireReach(account: Account, paths: readonly string[]): void {
  const folders = [...new Set(paths.flatMap(foldersAbove))].sort((a, b) => a.length - b.length);
  const { uid, gid } = account;
  const { stdout } = spawnSync('sh', ['-c', printFoldersNotEntered, 'sh', ...folders], {
    cwd: '/',
    encoding: 'utf8',
    ...(uid !== undefined && gid !== undefined && { uid, gid }),
  });
  const closed = stdout?.trim();
  if (closed) {
    throw new CannotStart(
      `PostgreSQL runs as ${account.name} and may not enter ${closed}: chmod o+x '${closed}', or move the project and DATA_DIR to a folder that it may enter.`,
    );
  }
}

function foldersAbove(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [...foldersAbove(parent), parent];
}
