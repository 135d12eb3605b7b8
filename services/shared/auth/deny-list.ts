import { readFileSync, statSync } from 'node:fs';

export interface DenyList {
  /** Whether a token's `jti` or `sub` is denied. */
  denies: (id: string) => boolean;
}

/** How often the file is looked at, at most. */
const LOOK_MS = 1_000;

/**
 * Tokens and subjects that are refused although their signature is good: one `jti` or `sub` a line. The file is read again when it
 * changes; while it cannot be read, what was read last stays denied.
 * @throws Error when it cannot be read at the start
 */
export function watchDenyList(file: string | undefined, onError: (error: unknown) => void): DenyList {
  if (file === undefined) return { denies: () => false };
  let denied = new Set<string>();
  let changedAt = Number.NaN;
  let lookedAt = Number.NEGATIVE_INFINITY;

  const read = (): void => {
    const { mtimeMs } = statSync(file);
    if (mtimeMs === changedAt) return;
    denied = new Set(
      readFileSync(file, 'utf8')
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== ''),
    );
    changedAt = mtimeMs;
  };
  read();
  return {
    denies: (id) => {
      const now = performance.now();
      if (now - lookedAt > LOOK_MS) {
        lookedAt = now;
        try {
          read();
        } catch (error) {
          onError(error);
        }
      }
      return denied.has(id);
    },
  };
}
