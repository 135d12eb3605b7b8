import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CannotStart } from './cannot-start.ts';
import { commandOf } from './processes.ts';

/**
 * Who works on a data folder: nobody; one that was killed and cleaned nothing up; one whose npm was killed, so that it
 * is about to stop; or one that is running.
 */
type Holder = { state: 'none' | 'killed' | 'leaving' | 'running'; pid?: number };

const holderFile = (folder: string): string => join(folder, 'running.json');

export async function holderOf(folder: string): Promise<Holder> {
  const text = await readFile(holderFile(folder), 'utf8').catch(() => undefined);
  if (text === undefined) return { state: 'none' };
  const { pid, npm } = JSON.parse(text || '{}') as { pid?: number; npm?: number };
  if (!pid || !commandOf(pid)?.includes('services/local/main.ts')) return { state: 'killed' };
  return { state: npm && !commandOf(npm) ? 'leaving' : 'running', pid };
}

/** How long a run that was left without its npm may take to stop. */
export const LEAVING_MS = 12_000;

/**
 * Takes the data folder for this process; the function that it resolves to gives it back.
 * Throws CannotStart while another run works on it.
 */
export async function claimDataFolder(folder: string, npm: number | undefined): Promise<() => Promise<void>> {
  await makeFolder(folder);
  for (const giveUpAt = Date.now() + LEAVING_MS; ; await sleep(100)) {
    const { state, pid } = await holderOf(folder);
    if (state === 'running' || (state === 'leaving' && Date.now() > giveUpAt)) {
      throw new CannotStart(
        `${folder} is in use by another npm start (process ${pid}): stop it, or set DATA_DIR.`,
      );
    }
    if (state === 'killed') await rm(holderFile(folder), { force: true });
    if (state !== 'leaving') break;
  }
  // Two starts at once: the file that already exists refuses the second.
  await writeFile(holderFile(folder), JSON.stringify({ pid: process.pid, npm }), { flag: 'wx' });
  return () => rm(holderFile(folder), { force: true });
}

async function makeFolder(folder: string): Promise<void> {
  try {
    // Whatever the umask: PostgreSQL's user has to pass through a folder that root makes.
    const made = await mkdir(folder, { recursive: true });
    if (made) await chmod(folder, 0o755);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CannotStart(
      `The data folder ${folder} cannot be made (${code}): set DATA_DIR to a folder that may be written.`,
    );
  }
}
