// Shows that the style is right: bookings a second through both services, and one read against the textbook's stack.
// npm run build && node --import tsx bench/style.ts [--node PATH] [--seconds N]
import { parseArgs } from 'node:util';
import '../services/patient/patients/store.ts';
import { freePort } from '../services/local/ports.ts';
import { definedStatements } from '../services/shared/db/statement.ts';
import { at, invariantsBroken, seedDoctor, seedPatients } from '../services/testing/clinic.ts';
import { closedLoop, getRequest, type LoadResult, median, postRequest } from './load.ts';
import { node26 } from './node26.ts';
import { cpuMicroseconds, type Program, type System, startProgram, startSystem } from './system.ts';

const { values } = parseArgs({
  options: { node: { type: 'string' }, seconds: { type: 'string', default: '4' } },
});
const seconds = Number(values.seconds);
const node = values.node ?? node26();
const CLIENTS = 32;
/** So few that each waits for the other's answers, and so many that the cores are busy. */
const READERS = [32, 128] as const;
const ROUNDS = 5;
const PATIENTS = 20_000;
const DOCTORS = 400;

const shuffled = <Item>(items: readonly Item[]): Item[] =>
  items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);

interface Measured {
  perSecond: number;
  cpuPerRequest: number;
}

async function measure(program: Program, connections: number, next: () => string): Promise<Measured> {
  const before = await cpuMicroseconds(program.pid);
  const { perSecond, statuses, latenciesMs } = await closedLoop({
    port: program.port,
    connections,
    seconds,
    next,
  });
  if (Object.keys(statuses).join() !== '200')
    throw new Error(`answers other than 200: ${JSON.stringify(statuses)}`);
  return { perSecond, cpuPerRequest: ((await cpuMicroseconds(program.pid)) - before) / latenciesMs.length };
}

async function compareReads(system: System, patientIds: readonly string[]): Promise<void> {
  const sql = definedStatements().find(({ name }) => name === 'patients.find')?.text;
  if (sql === undefined) throw new Error('the patient store has no statement patients.find');
  const textbook = await startProgram(
    [node, 'bench/textbook.mjs'],
    { DATABASE_URL: system.databaseUrl('patient'), PATIENT_SQL: sql, NODE_ENV: 'production' },
    await freePort(),
    /listening/,
  );
  const unaudited = await startProgram(
    [node, 'bench/unaudited.mjs'],
    {
      AUTH: 'off',
      DRAIN_DELAY_MS: '0',
      DATABASE_URL: system.databaseUrl('patient'),
      DOCTOR_SERVICE_URL: `http://127.0.0.1:${system.doctor.port}`,
    },
    await freePort(),
    /"ready/,
  );
  const next = () => getRequest(`/patients/${patientIds[Math.floor(Math.random() * patientIds.length)]}`);
  // The textbook keeps no audit trail, so that only `unaudited` does the same work.
  const variants = { ours: system.patient, again: system.patient, unaudited, textbook };
  for (const connections of READERS) await compare(variants, connections, next);
  await textbook.stop();
  await unaudited.stop();
}

type Variants = Record<'ours' | 'again' | 'unaudited' | 'textbook', Program>;

async function compare(variants: Variants, connections: number, next: () => string): Promise<void> {
  const names = Object.keys(variants) as (keyof Variants)[];
  const results: Record<keyof Variants, Measured[]> = { ours: [], again: [], unaudited: [], textbook: [] };
  for (const name of names) await measure(variants[name], connections, next);
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const name of shuffled(names)) results[name].push(await measure(variants[name], connections, next));
    console.log(`round ${round} of ${ROUNDS}`);
  }
  const speed = (name: keyof Variants) => median(results[name].map(({ perSecond }) => perSecond));
  const cpu = (name: keyof Variants) => median(results[name].map(({ cpuPerRequest }) => cpuPerRequest));
  console.log(
    `GET /patients/{id}, ${connections} clients: ours ${speed('ours').toFixed(0)}/s (${cpu('ours').toFixed(0)} µs CPU), textbook ${speed('textbook').toFixed(0)}/s (${cpu('textbook').toFixed(0)} µs CPU)`,
  );
  console.log(
    `ours ÷ ours, again: ${(speed('ours') / speed('again')).toFixed(2)} (beyond 0.9–1.1 the run means nothing)`,
  );
  for (const name of ['unaudited', 'ours'] as const)
    console.log(
      `${name} ÷ textbook: ${(speed(name) / speed('textbook')).toFixed(2)} by throughput, ${(cpu('textbook') / cpu(name)).toFixed(2)} by CPU per request`,
    );
}

/** The nth booking: no two share a doctor's slot, and a patient's are at different times. */
function bookingOf(n: number, patientIds: readonly string[], doctorIds: readonly string[]): object {
  const slot = Math.floor(n / doctorIds.length);
  const startsAt = at(
    1 + Math.floor(slot / 48),
    `${String(Math.floor((slot % 48) / 2)).padStart(2, '0')}:${slot % 2 === 0 ? '00' : '30'}`,
  );
  return {
    patientId: patientIds[n % patientIds.length],
    doctorId: doctorIds[n % doctorIds.length],
    startsAt,
    durationMinutes: 30,
    reason: 'bench',
  };
}

async function measureBookings(system: System, patientIds: readonly string[]): Promise<void> {
  const doctorIds: string[] = [];
  for (let n = 0; n < DOCTORS; n += 1) doctorIds.push(await seedDoctor({ db: system.doctorDb }));
  let n = 0;
  const next = () => {
    n += 1;
    return postRequest('/appointments', bookingOf(n, patientIds, doctorIds));
  };
  const run = (): Promise<LoadResult> =>
    closedLoop({ port: system.patient.port, connections: CLIENTS, seconds, next });
  await run();
  const rounds: LoadResult[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await run());
  const statuses = rounds.map((round) => JSON.stringify(round.statuses));
  const latencies = rounds.flatMap(({ latenciesMs }) => latenciesMs).sort((a, b) => a - b);
  console.log(
    `bookings through both services, ${CLIENTS} clients: ${median(rounds.map(({ perSecond }) => perSecond)).toFixed(0)}/s, median ${median(latencies).toFixed(0)} ms (closed loop); answers ${statuses.join(' ')}`,
  );
  console.log(
    `invariants broken: ${(await invariantsBroken({ db: system.patientDb }, { db: system.doctorDb })).length}`,
  );
}

console.log(
  `node ${node}, ${CLIENTS} clients, ${PATIENTS} patients, ${DOCTORS} doctors, ${seconds} s a round; services, PostgreSQL and generator share the cores`,
);
const system = await startSystem({ node: [node], services: 'dist' });
try {
  const patientIds = await seedPatients({ db: system.patientDb }, PATIENTS);
  await system.patientDb.query('analyze');
  await compareReads(system, patientIds);
  await measureBookings(system, patientIds);
} finally {
  await system.stop();
}
