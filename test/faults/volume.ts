import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';

/** A file system of its own, in memory, whose size can be changed while it is in use. */
export interface Volume {
  /** Leaves no room for another page. */
  fill: () => Promise<void>;
  free: () => void;
  /** Takes it away, whoever still uses it. */
  remove: () => void;
}

/** As much as a long run may write. Only what is written takes memory. */
const SIZE = '8g';

const run = (program: string, ...args: string[]): void => {
  execFileSync(program, args, { stdio: 'pipe' });
};

/** Mounts a volume at a folder, which it makes. @returns why not, where this is not allowed */
export function mountVolume(folder: string): Volume | string {
  mkdirSync(folder, { recursive: true });
  try {
    run('mount', '-t', 'tmpfs', '-o', `size=${SIZE},mode=755`, 'tmpfs', folder);
  } catch (error) {
    const { stderr } = error as { stderr?: Buffer };
    return String(stderr ?? error).trim();
  }
  const resize = (size: string | number): void => run('mount', '-o', `remount,size=${size}`, folder);
  return {
    fill: async () => {
      for (;;) {
        const { blocks, bfree, bsize } = await statfs(folder);
        try {
          resize((blocks - bfree) * bsize);
          return;
        } catch {
          // More was written meanwhile, and a volume cannot be smaller than what is on it.
        }
      }
    },
    free: () => resize(SIZE),
    remove: () => {
      try {
        run('umount', '-l', folder);
      } catch {
        // It is gone already.
      }
    },
  };
}
