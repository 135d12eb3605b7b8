import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { growthChart, rowsChart } from './chart.ts';
import type { Size } from './dataset.ts';
import type { Plan } from './plans.ts';
import { type Growth, type Row, tableOf } from './row.ts';

export interface Results {
  /** Versions, machine, rounds, durations. */
  about: string;
  /** The commit that was measured. */
  commit: string;
  sizes: readonly Size[];
  rows: readonly Row[];
  growth: readonly Growth[];
  /** Of the statements that matter, at the largest size. */
  plans: readonly Plan[];
}

const BEGIN = '<!-- results -->';
const END = '<!-- end of results -->';

/** Puts a run into docs/benchmarks.md, between its marks, and beside it the data and the charts. */
export async function writeReport(folder: string, results: Results): Promise<void> {
  const { about, commit, sizes, rows, growth, plans } = results;
  await writeFile(join(folder, 'benchmarks.json'), `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(join(folder, 'benchmarks-rows.svg'), rowsChart(rows));
  await writeFile(join(folder, 'benchmarks-growth.svg'), growthChart(growth, sizes));
  const page = join(folder, 'benchmarks.md');
  const text = await readFile(page, 'utf8');
  const [before, after] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (before < 0 || after < before) throw new Error(`${page} has no place for results: ${BEGIN} … ${END}`);
  const told = [
    BEGIN,
    `At ${commit}. ${about}.`,
    '',
    tableOf(rows),
    '',
    '![Each row against what is wanted of it](benchmarks-rows.svg)',
    '',
    '![The same rows as the data grow](benchmarks-growth.svg)',
    '',
    '## Plans',
    '',
    ...plans.flatMap(({ statement, plan }) => [`\`${statement}\``, '', '```', plan.trim(), '```', '']),
  ].join('\n');
  await writeFile(page, `${text.slice(0, before)}${told}${text.slice(after)}`);
}
