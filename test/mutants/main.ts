// Leaves out or bends one rule after the other in a copy of the tree, and shows which test notices. Exits with 1 when one survives.
// npm run test:mutants [-- --only NAME | --random N --seed S]
// Without options the rules of booking and of the audit trail; with --random so many of those of access, picked by the seed; with
// --only those of all whose names contain NAME.
import { parseArgs } from 'node:util';
import { accessMutants } from './access.ts';
import { auditMutants } from './audit.ts';
import { bookingMutants } from './booking.ts';
import { apply, type Mutant } from './mutant.ts';
import { picked } from './pick.ts';
import { type Result, runTests } from './run-tests.ts';
import { copyTree } from './tree.ts';

/** A test that hangs is told by jest within half a minute; what takes longer has not been noticed. */
const LIMIT_SECONDS = 120;
const UNCHANGED_LIMIT_SECONDS = 300;
const SHOWN_OUTPUT = 4_000;

const { values } = parseArgs({
  options: { only: { type: 'string' }, random: { type: 'string' }, seed: { type: 'string' } },
});

function chosen(root: string): readonly Mutant[] {
  const { only, random, seed = String(Date.now() % 1_000_000) } = values;
  if (only !== undefined)
    return [...bookingMutants, ...auditMutants, ...accessMutants(root)].filter(({ name }) =>
      name.includes(only),
    );
  if (random === undefined) return [...bookingMutants, ...auditMutants];
  console.log(`--random ${random} --seed ${seed}`);
  return picked(accessMutants(root), Number(random), Number(seed));
}

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());

const told = (result: Result): string => {
  if (stopping.signal.aborted) return 'interrupted';
  if (result.outcome === 'failed') return result.test;
  if (result.outcome === 'broken') return `DOES NOT RUN: ${result.output.slice(-SHOWN_OUTPUT)}`;
  return result.outcome === 'hung' ? `SURVIVED: nothing told in ${LIMIT_SECONDS} s` : 'SURVIVED';
};

const tree = copyTree(new URL('../..', import.meta.url).pathname);
const { root } = tree;

const run = (tests: readonly string[], limitSeconds: number): Promise<Result> =>
  runTests({ root, tests, limitSeconds, signal: stopping.signal });

const passing = new Set<string>();

/** What the same tests say without a mutant: where they fail too, their failing shows nothing. Asked once, if they pass. */
async function resultUnchanged(tests: readonly string[]): Promise<Result> {
  if (passing.has(tests.join())) return { outcome: 'passed' };
  const result = await run(tests, UNCHANGED_LIMIT_SECONDS);
  if (result.outcome === 'passed') passing.add(tests.join());
  return result;
}

/** Prints the mutant's row; tells whether a test has noticed it. */
async function judge(mutant: Mutant): Promise<boolean> {
  const before = await resultUnchanged(mutant.tests);
  if (before.outcome !== 'passed') {
    console.log(`| ${mutant.name} | FAILS WITHOUT IT: ${told(before)} | |`);
    return false;
  }
  const restore = apply(root, mutant);
  const started = performance.now();
  const result = await run(mutant.tests, LIMIT_SECONDS);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  restore();
  console.log(`| ${mutant.name} | ${told(result)} | ${seconds} |`);
  return result.outcome === 'failed';
}

try {
  const mutants = chosen(root);
  if (mutants.length === 0) throw new Error('There is no such mutant.');
  console.log('| mutant | noticed by | seconds |\n|---|---|---|');

  const survivors: string[] = [];
  for (const mutant of mutants) {
    if (stopping.signal.aborted) break;
    if (!(await judge(mutant))) survivors.push(mutant.name);
  }
  console.log(
    `${mutants.length} mutants, ${survivors.length} not noticed${survivors.map((name) => `\n  ${name}`).join('')}`,
  );
  process.exitCode = survivors.length === 0 && !stopping.signal.aborted ? 0 : 1;
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  tree.remove();
}
