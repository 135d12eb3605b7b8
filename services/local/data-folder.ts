import { existsSync } from 'node:fs';
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
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
  // In a container a killed run may have had the very process id that we have now.
  if (!pid || pid === process.pid || !commandOf(pid)?.includes('services/local/main.ts')) {
    return { state: 'killed' };
  }
  return { state: npm && !commandOf(npm) ? 'leaving' : 'running', pid };
}

/** How long a run that was left without its npm may take to stop. */
export const LEAVING_MS = 12_000;

const inUse = (folder: string, pid: number | undefined): CannotStart =>
  new CannotStart(`${folder} is in use by another npm start (process ${pid}): stop it, or set DATA_DIR.`);

/**
 * Takes the data folder for this process; the function that it resolves to gives it back.
 * Throws CannotStart while another run works on it, and when we may not write there.
 */
export async function claimDataFolder(folder: string, npm: number | undefined): Promise<() => Promise<void>> {
  try {
    // Whatever the umask: PostgreSQL's user has to pass through a folder that root makes.
    const made = await mkdir(folder, { recursive: true });
    if (made) await chmod(folder, 0o755);
    await untilFree(folder);
    // Of two starts at once the second finds the file of the first, and finds it whole.
    const own = `${holderFile(folder)}.${process.pid}`;
    await writeFile(own, JSON.stringify({ pid: process.pid, npm }));
    await link(own, holderFile(folder)).finally(() => rm(own));
  } catch (error) {
    if (error instanceof CannotStart) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && existsSync(holderFile(folder)))
      throw inUse(folder, (await holderOf(folder)).pid);
    throw new CannotStart(
      `The data folder ${folder} cannot be written (${code}): set DATA_DIR to a folder that may be.`,
    );
  }
  return () => rm(holderFile(folder), { force: true });
}

/** Removes what a killed run has left, and waits for one that is about to stop. */
async function untilFree(folder: string): Promise<void> {
  for (const giveUpAt = Date.now() + LEAVING_MS; ; await sleep(100)) {
    const { state, pid } = await holderOf(folder);
    if (state === 'running' || (state === 'leaving' && Date.now() > giveUpAt)) throw inUse(folder, pid);
    if (state === 'killed') await rm(holderFile(folder), { force: true });
    if (state !== 'leaving') return;
  }
}
