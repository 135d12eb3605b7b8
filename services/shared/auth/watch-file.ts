import { readFileSync, statSync } from 'node:fs';

/** How often the file is looked at, at most. */
const LOOK_MS = 1_000;

/**
 * What a file says that changes while we run: it is read again when it has changed, and while it cannot be read, what was read last
 * stays.
 * @returns what `understand` makes of its text; undefined until it was read
 */
export function watchFile<Content>(
  file: string,
  understand: (text: string) => Content,
  onError: (error: unknown) => void,
): () => Content | undefined {
  let content: Content | undefined;
  let changedAt = Number.NaN;
  let lookedAt = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now - lookedAt < LOOK_MS) return content;
    lookedAt = now;
    try {
      const { mtimeMs } = statSync(file);
      if (mtimeMs !== changedAt) content = understand(readFileSync(file, 'utf8'));
      changedAt = mtimeMs;
    } catch (error) {
      onError(error);
    }
    return content;
  };
}
