import { watchFile } from './watch-file.ts';

export interface DenyList {
  /** Whether a token's `jti` or `sub` is denied. */
  denies: (id: string) => boolean;
}

const lines = (text: string): ReadonlySet<string> =>
  new Set(
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  );

/**
 * Tokens and subjects that are refused although their signature is good: one `jti` or `sub` a line. The file is read again when it
 * changes; while it cannot be read, what was read last stays denied.
 * @throws Error when it cannot be read at the start
 */
export function watchDenyList(file: string | undefined, onError: (error: unknown) => void): DenyList {
  if (file === undefined) return { denies: () => false };
  const denied = watchFile(file, lines, onError);
  // A list that was never read must not be taken for an empty one.
  if (denied() === undefined) throw new Error(`The deny list ${file} cannot be read`);
  return { denies: (id) => denied()?.has(id) === true };
}
