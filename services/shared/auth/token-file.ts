import { watchFile } from './watch-file.ts';

/** The token in a file that is renewed while we run, such as a projected service-account token; undefined without a file. */
export const tokenFile = (file: string | undefined): (() => string | undefined) =>
  file === undefined
    ? () => undefined
    : watchFile(
        file,
        (text) => text.trim(),
        // It is being renewed, or not there yet: the last one may still be good, and without any the answer is 401.
        () => undefined,
      );
