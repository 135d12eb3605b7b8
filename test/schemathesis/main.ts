// Sends requests that schemathesis makes from /openapi.json to both services, as every role and as nobody, and holds every answer
// against the document. Exits with 1 when one is a 5xx, or is not as its schema says.
// npm run test:schemathesis -- [--requests N] [--seed S]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endOf } from '../../services/local/processes.ts';
import { type AccessProcesses, startAccessProcesses } from '../../services/testing/access-processes.ts';
import startTestServer from '../../services/testing/global-setup.ts';
import { schemathesis } from './program.ts';
import { writeSettings } from './settings.ts';

/**
 * Every check is made but one, that what fits its schema is accepted: a calendar, an ETag, a cursor and the present state refuse
 * more than a schema can say.
 */
const WITHOUT = 'positive_data_acceptance';
const SERVICES = ['patient', 'doctor'] as const;
const CALLERS = ['admin', 'nobody', 'doctor', 'patient', 'receptionist', 'service'] as const;
const DAY_SECONDS = 86_400;

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '8000' }, seed: { type: 'string' } },
});
const wanted = Number(values.requests);
const firstSeed = Number(values.seed ?? Date.now() % 1_000_000);
/** A run sends some 2,000 requests that each edge of the schemas needs, whatever this is. */
const examplesPerOperation = Math.max(5, Math.ceil(wanted / 400));

/** How many requests the services have answered, by their own count. */
async function answered(world: AccessProcesses): Promise<number> {
  let count = 0;
  for (const service of SERVICES) {
    const metrics = await (await fetch(`${world[service].url}/metrics`)).text();
    for (const [, value] of metrics.matchAll(/^http_request_duration_seconds_count\{.*\} (\d+)$/gm))
      count += Number(value);
  }
  return count;
}

interface Run {
  service: (typeof SERVICES)[number];
  caller: (typeof CALLERS)[number];
  seed: number;
}

/** Runs the program once; tells whether it found nothing. */
async function holds(program: string, world: AccessProcesses, folder: string, run: Run): Promise<boolean> {
  const { service, caller, seed } = run;
  const exp = Math.floor(Date.now() / 1000) + DAY_SECONDS;
  const authorization =
    caller === 'nobody' ? [] : ['--header', `Authorization:Bearer ${await world.tokenOf(caller, { exp })}`];
  const child = spawn(
    program,
    [
      ...['--config-file', await writeSettings(world, folder), '--no-color'],
      ...['run', `${world[service].url}/openapi.json`, '--checks', 'all', '--exclude-checks', WITHOUT],
      ...['--max-examples', String(examplesPerOperation), '--seed', String(seed)],
      ...['--suppress-health-check', 'all', '--generation-database', 'none', '--warnings', 'off'],
      ...['--continue-on-failure', '--request-timeout', '10', ...authorization],
    ],
    { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const end = await endOf(child);
  if (end === 'exit code 0') return true;
  console.log(`== the ${service} service, asked as ${caller}, --seed ${seed}: ${end}\n${output}`);
  return false;
}

/** Runs as one caller after the other, until there were enough requests. */
async function attack(program: string, world: AccessProcesses, folder: string): Promise<void> {
  const started = performance.now();
  let [round, requests, faults] = [0, 0, 0];
  for (; requests < wanted || round % SERVICES.length > 0; round += 1) {
    const service = SERVICES[round % SERVICES.length] ?? 'patient';
    const caller = CALLERS[Math.floor(round / SERVICES.length) % CALLERS.length] ?? 'nobody';
    if (!(await holds(program, world, folder, { service, caller, seed: firstSeed + round }))) faults += 1;
    requests = await answered(world);
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(
    `${requests} requests in ${seconds} s, ${round} runs, ${faults} with findings; --seed ${firstSeed}`,
  );
  if (faults > 0) process.exitCode = 1;
}

async function main(): Promise<void> {
  const program = schemathesis();
  const folder = mkdtempSync(join(tmpdir(), 'schemathesis-'));
  await startTestServer();
  try {
    const world = await startAccessProcesses();
    try {
      await attack(program, world, folder);
    } finally {
      await world.stop();
      await world.remove();
    }
  } finally {
    await globalThis.stopTestServer();
    rmSync(folder, { recursive: true });
  }
}

await main().catch((error: unknown) => {
  console.error((error as Error).message);
  process.exitCode = 1;
});
