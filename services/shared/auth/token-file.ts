import { readFileSync, statSync } from 'node:fs';

/** How often the file is looked at, at most. */
const LOOK_MS = 1_000;

/** The token in a file that is renewed while we run, such as a projected service-account token; undefined without a file. */
export function tokenFile(file: string | undefined): () => string | undefined {
  let token: string | undefined;
  let changedAt = Number.NaN;
  let lookedAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (file === undefined) return undefined;
    const now = performance.now();
    if (now - lookedAt < LOOK_MS) return token;
    lookedAt = now;
    try {
      const { mtimeMs } = statSync(file);
      if (mtimeMs !== changedAt) token = readFileSync(file, 'utf8').trim();
      changedAt = mtimeMs;
    } catch {
      // It is being renewed, or not there yet: the last one may still be good, and without any the answer is 401.
    }
    return token;
  };
}
