const given = process.env.TIME_LIMIT_FACTOR ?? '1';
const factor = Number(given);
if (!(factor >= 1)) throw new Error(`TIME_LIMIT_FACTOR must be a number from 1, not ${given}`);

/** A stated limit in milliseconds, longer on a machine that is slower than the statement assumes. */
export const limitMs = (seconds: number): number => seconds * 1_000 * factor;

/** Prints what was measured, beside what was asked for. */
export const measured = (what: string, figure: string): void => {
  process.stdout.write(`  measured: ${what}: ${figure}\n`);
};

export const inSeconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** Runs something and tells how long it took, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
