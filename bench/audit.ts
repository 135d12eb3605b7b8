// What the audit trail costs: GET /patients/{id} with token, log, metrics and a durable event before the answer, against the same
// without events, and against node:http and pg alone with the same SQL.
// npm run build && npm run bench:audit -- [--node PATH] [--seconds N] [--rounds N]
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import '../services/patient/patients/store.ts';
import { freePort } from '../services/local/ports.ts';
import { definedStatements } from '../services/shared/db/statement.ts';
import { seedPatients } from '../services/testing/clinic.ts';
import { createIssuer } from '../services/testing/tokens.ts';
import { closedLoop, median } from './load.ts';
import { node26 } from './node26.ts';
import { cpuMicroseconds, type Program, startProgram, startSystem } from './system.ts';

const { values } = parseArgs({
  options: {
    node: { type: 'string' },
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '7' },
  },
});
const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];
const node = values.node ?? node26();
// So few that each waits for the other's answers, and so many that the cores are busy: how long a request takes, and how many there can be.
const CLIENTS = [32, 128] as const;
const PATIENTS = 20_000;
const TOKENS = 50;

const folder = await mkdtemp(join(tmpdir(), 'audit-bench-'));
const issuer = await createIssuer();
const issuersFile = join(folder, 'issuers.json');
await writeFile(issuersFile, JSON.stringify([issuer.entry]));
const tokens = await Promise.all(
  Array.from({ length: TOKENS }, (_, n) => issuer.sign({ role: 'receptionist', sub: `desk ${n}` })),
);

interface Measured {
  perSecond: number;
  cpuPerRequest: number;
}

const anyOf = <Item>(items: readonly Item[]): Item => items[Math.floor(Math.random() * items.length)] as Item;

const system = await startSystem({ node: [node], services: 'dist' });
const programs: Program[] = [];
try {
  const patientIds = await seedPatients({ db: system.patientDb }, PATIENTS);
  await system.patientDb.query('analyze');
  const sql = definedStatements().find(({ name }) => name === 'patients.find')?.text;
  if (sql === undefined) throw new Error('the patient store has no statement patients.find');

  const start = async (script: string, env: Record<string, string>, ready: RegExp): Promise<Program> => {
    const shared = { DATABASE_URL: system.databaseUrl('patient'), NODE_ENV: 'production' };
    const program = await startProgram([node, script], { ...shared, ...env }, await freePort(), ready);
    programs.push(program);
    return program;
  };
  const service = {
    AUTH: 'jwt',
    AUTH_ISSUERS_FILE: issuersFile,
    DRAIN_DELAY_MS: '0',
    DOCTOR_SERVICE_URL: `http://127.0.0.1:${system.doctor.port}`,
    MAX_REQUESTS_PER_SECOND: '100000',
  };
  const variants = {
    audited: await start('dist/patient/main.js', service, /"ready/),
    again: await start('dist/patient/main.js', service, /"ready/),
    unaudited: await start('bench/unaudited.mjs', service, /"ready/),
    bare: await start('bench/bare.mjs', { PATIENT_SQL: sql }, /listening/),
  };
  type Name = keyof typeof variants;
  const names = Object.keys(variants) as Name[];

  const next = () =>
    `GET /patients/${anyOf(patientIds)} HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\nAuthorization: Bearer ${anyOf(tokens)}\r\n\r\n`;
  let answered = 0;
  const measure = async (name: Name, connections: number): Promise<Measured> => {
    const before = await cpuMicroseconds(variants[name].pid);
    const load = { port: variants[name].port, connections, seconds, next };
    const { perSecond, statuses, latenciesMs } = await closedLoop(load);
    if (Object.keys(statuses).join() !== '200')
      throw new Error(`answers other than 200: ${JSON.stringify(statuses)}`);
    if (name === 'audited' || name === 'again') answered += latenciesMs.length;
    const used = (await cpuMicroseconds(variants[name].pid)) - before;
    return { perSecond, cpuPerRequest: used / latenciesMs.length };
  };

  const compare = async (connections: number): Promise<void> => {
    const results: Record<Name, Measured[]> = { audited: [], again: [], unaudited: [], bare: [] };
    for (const name of names) await measure(name, connections);
    for (let round = 1; round <= rounds; round += 1) {
      // Each begins as often as the others.
      for (let place = 0; place < names.length; place += 1) {
        const name = names[(round + place) % names.length] as Name;
        results[name].push(await measure(name, connections));
      }
      console.log(`round ${round} of ${rounds}`);
    }
    const speed = (name: Name) => median(results[name].map(({ perSecond }) => perSecond));
    const cpu = (name: Name) => median(results[name].map(({ cpuPerRequest }) => cpuPerRequest));
    const ratio = (name: Name) => (speed('audited') / speed(name)).toFixed(2);
    console.log(`${connections} clients`);
    for (const name of names)
      console.log(`  ${name}: ${speed(name).toFixed(0)}/s, ${cpu(name).toFixed(0)} µs CPU of the process`);
    console.log(`  audited ÷ audited, again: ${ratio('again')} (beyond 0.9–1.1 the run means nothing)`);
    console.log(`  audited ÷ unaudited: ${ratio('unaudited')} (wanted: 0.8)`);
    console.log(`  audited ÷ bare: ${ratio('bare')} (wanted: 0.65)`);
  };
  for (const connections of CLIENTS) await compare(connections);
  const { rows } = await system.patientDb.query<{ count: number }>(
    'select count(*)::integer as count from audit_events',
  );
  console.log(`answers that should have left an event: ${answered}; events: ${rows[0]?.count}`);
} finally {
  for (const program of programs) await program.stop();
  await system.stop();
  await rm(folder, { recursive: true });
}
