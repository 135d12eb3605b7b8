// Measures the rows of the table, each on a system of its own.
// npm run bench -- [--only NAME] [--quick] [--node PATH]
import { execFileSync } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { node26 } from './node26.ts';
import { type Row, tableOf } from './row.ts';
import { bookings, hotDoctor } from './rows/bookings.ts';
import { startSystem } from './system.ts';

const measurements = { bookings, 'hot-doctor': hotDoctor };
type Name = keyof typeof measurements;

const { values } = parseArgs({
  options: { only: { type: 'string' }, quick: { type: 'boolean', default: false }, node: { type: 'string' } },
});
const all = Object.keys(measurements) as Name[];
const names = all.filter((name) => values.only === undefined || name === values.only);
if (names.length === 0) throw new Error(`--only must be one of: ${all.join(', ')}`);
const node = values.node ?? node26();
const [rounds, seconds] = values.quick ? [3, 2] : [7, 5];

execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
const about = `Node ${version}, ${cpus().length} × ${cpus()[0]?.model}, ${rounds} rounds of ${seconds} s${values.quick ? ' (quick)' : ''}; services, PostgreSQL and generator share the cores`;
console.log(about);
const rows: Row[] = [];
for (const name of names) {
  const system = await startSystem({ node: [node], services: 'dist' });
  try {
    const progress = (text: string) => console.log(`${name}: ${text}`);
    rows.push(...(await measurements[name]({ system, rounds, seconds, progress })));
  } finally {
    await system.stop();
  }
}
console.log(tableOf(rows));
const file = join(await mkdtemp(join(tmpdir(), 'bench-results-')), 'results.json');
await writeFile(file, JSON.stringify({ about, rows }, null, 2));
console.log(file);
