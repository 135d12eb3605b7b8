// Two processes of each service, a PostgreSQL for each side, clients that record what they are told, and faults at random.
// npm run test:faults -- [--seconds 60 | --cycles N] [--seed S] [--only all|postmaster|repeats|outage] [--minutes M] [--bookings N]
import { parseArgs } from 'node:util';
import { seedDoctor, seedPatients } from '../../services/testing/clinic.ts';
import { runCycles } from './cycles.ts';
import { newHistory, storyOf } from './history.ts';
import { runOutage } from './outage.ts';
import { runRepeats } from './repeats.ts';
import { openBooks } from './rows.ts';
import { startSystem } from './system.ts';

const MODES = ['all', 'postmaster', 'repeats', 'outage'] as const;
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    cycles: { type: 'string' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    only: { type: 'string', default: 'all' },
    minutes: { type: 'string', default: '10' },
    bookings: { type: 'string', default: '10000' },
  },
});
const started = performance.now();
const mode = MODES.find((name) => name === values.only);
const numbers = [values.seconds, values.cycles ?? '1', values.seed, values.minutes, values.bookings].map(
  Number,
);
if (mode === undefined || numbers.some((number) => !(number >= 0))) {
  console.error(`--only is one of ${MODES.join(', ')}; the others are numbers`);
  process.exit(1);
}
const seed = Number(values.seed);
const log = (line: string): void => console.log(line);

const DOCTORS = 40;
const PATIENTS = 4_000;
const HORIZON_DAYS = 730;
const STORIES = 3;

log(`seed ${seed}`);
const history = newHistory();
const fillable = mode !== 'all' ? undefined : seed % 2 === 0 ? 'patient' : 'doctor';
const system = await startSystem({ fillable, hasWaysToDatabases: mode !== 'outage', log });
const books = await openBooks(system);
const patientIds = await seedPatients({ db: books.patient }, PATIENTS);
const doctorIds: string[] = [];
// Clients that compete meet buffers too; in the other modes everything that is asked for is free.
const canCollide = mode === 'all' || mode === 'postmaster';
while (doctorIds.length < DOCTORS) {
  const bufferMinutes = canCollide && doctorIds.length % 5 === 0 ? 10 : 0;
  doctorIds.push(await seedDoctor({ db: books.doctor }, { horizonDays: HORIZON_DAYS, bufferMinutes }));
}
await books.close();
log(`started in ${((performance.now() - started) / 1000).toFixed(1)} s`);

const parts = { system, history, clinic: { patientIds, doctorIds }, seed, log };
if (mode === 'repeats') await runRepeats({ ...parts, bookings: Number(values.bookings) });
else if (mode === 'outage') await runOutage({ ...parts, minutes: Number(values.minutes) });
else {
  const isOver = (cycles: number): boolean =>
    values.cycles === undefined
      ? performance.now() - started > Number(values.seconds) * 1_000
      : cycles >= Number(values.cycles);
  const { cycles, slowestSettlingMs } = await runCycles({ ...parts, faults: mode, isOver });
  log(
    `\n${cycles} cycles; the slowest settling after healing took ${(slowestSettlingMs / 1000).toFixed(1)} s`,
  );
}

// An answer 500 is a defect, also where it became a 202 or was never heard.
for (const what of system.defects) history.broken.push({ rule: '500', what });
for (const what of system.deaths) history.broken.push({ rule: 'processes', what });
for (const [what, times] of Object.entries(history.counts).sort()) log(`  ${what.padEnd(40)} ${times}`);
const minutes = ((performance.now() - started) / 60_000).toFixed(1);
const rules = [...new Set(history.broken.map(({ rule }) => rule))].join(', ');
for (const { rule, what } of history.broken.slice(0, STORIES)) {
  console.error(`\n${rule}: ${what}`);
  for (const line of storyOf(history, what)) console.error(line);
}
log(
  history.broken.length === 0
    ? `good: 0 double, 0 lost, 0 unsettled, in ${minutes} minutes (seed ${seed})`
    : `NOT GOOD: ${history.broken.length} times broken: ${rules} (seed ${seed})`,
);
await system.stop();
process.exit(history.broken.length === 0 ? 0 : 1);
