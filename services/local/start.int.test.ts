import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { jest } from '@jest/globals';
import { eventually } from '../testing/services.ts';
import { freePort } from './ports.ts';
import { commandOf, endOf } from './processes.ts';

// Each test starts everything once or several times.
jest.setTimeout(180_000);

const root = new URL('../..', import.meta.url).pathname;
const sh = promisify(execFile);

interface Run {
  npm: ChildProcess;
  /** All that it printed until now. */
  output: () => string;
  end: Promise<string>;
  ready: () => Promise<void>;
  /** npm and everything that it started, directly or not. */
  processes: () => { pid: number; command: string }[];
}

let folder: string;
let ports: { PORT: number; PATIENT_PORT: number; DOCTOR_PORT: number };
let gateway: string;
const runs: Run[] = [];

function npmStart(args: readonly string[] = [], more: Readonly<Record<string, string>> = {}): Run {
  const { NODE_OPTIONS: _ofJest, ...inherited } = process.env;
  const variables = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]));
  const npm = spawn('npm', ['start', '--', ...args], {
    cwd: root,
    env: { ...inherited, ...variables, DATA_DIR: join(folder, 'data'), ...more },
    // A process group of its own, as in a terminal.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [npm.stdout, npm.stderr])
    stream.setEncoding('utf8').on('data', (text) => (printed += text));
  const end = endOf(npm);
  const run: Run = {
    npm,
    end,
    output: () => printed,
    ready: () => eventually(async () => expect(printed).toMatch(/^ready$/m), 60_000),
    processes: () => descendants(npm.pid ?? 0),
  };
  runs.push(run);
  return run;
}

function descendants(pid: number): { pid: number; command: string }[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const all = lines.map((line) => line.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] =>
    all.flatMap(([child = 0, of]) => (of === parent ? [child, ...below(child)] : []));
  return [pid, ...below(pid)].flatMap((each) => {
    const command = commandOf(each);
    return command === undefined ? [] : [{ pid: each, command }];
  });
}

const nothingLeft = (processes: readonly { pid: number }[]) =>
  eventually(async () => expect(processes.filter(({ pid }) => commandOf(pid) !== undefined)).toEqual([]));

interface Body {
  type: string;
  items: Record<string, string>[];
}

async function get(path: string): Promise<{ status: number; body: Body }> {
  const answer = await fetch(`${gateway}${path}`);
  return { status: answer.status, body: (await answer.json()) as Body };
}

async function items(path: string): Promise<Body['items']> {
  const { status, body } = await get(path);
  expect(status).toBe(200);
  return body.items;
}

const count = async (path: string): Promise<number> => (await items(`${path}?limit=200`)).length;

/** Sends a signal to the first process of a run whose command line has this text. */
function signal(run: Run, command: string, name: NodeJS.Signals): void {
  const found = run.processes().find((each) => each.command.includes(command));
  if (!found) throw new Error(`no process ${command} in ${run.output()}`);
  process.kill(found.pid, name);
}

/** Sends SIGTERM to npm: everything stops, cleanly. */
async function stopped(run: Run): Promise<void> {
  const all = run.processes();
  expect(all.length).toBeGreaterThan(5);
  run.npm.kill('SIGTERM');
  expect(await run.end).toBe('exit code 0');
  await nothingLeft(all);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clinic-start-'));
  await chmod(folder, 0o755);
  ports = { PORT: await freePort(), PATIENT_PORT: await freePort(), DOCTOR_PORT: await freePort() };
  gateway = `http://127.0.0.1:${ports.PORT}`;
  const run = npmStart();
  await run.ready();
  await stopped(run);
});

afterEach(async () => {
  for (const run of runs.splice(0)) {
    for (const { pid } of run.processes()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended since it was listed.
      }
    }
    await run.end;
  }
});

afterAll(() => rm(folder, { recursive: true }));

test('a demo clinic whose loading was killed is finished by the next start, with nothing twice', async () => {
  const own = { DATA_DIR: join(folder, 'killed') };
  const killed = npmStart([], own);
  await eventually(async () => expect(await count('/patients')).toBeGreaterThan(20), 60_000);
  const services = killed.processes().filter(({ command }) => command.includes('leash.ts'));
  expect(services).toHaveLength(2);
  signal(killed, 'services/local/main.ts', 'SIGKILL');
  await killed.end;
  await nothingLeft(services);

  const next = npmStart([], own);
  await next.ready();
  expect(next.output()).toContain('Loaded a demo clinic: 10 doctors, 60 patients and 68 appointments.');
  expect(await count('/patients')).toBe(60);
  expect(await count('/doctors')).toBe(10);
  expect(await count('/appointments')).toBe(68);
  const statuses = (await items('/appointments?limit=200')).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(
    new Set(['booked', 'arrived', 'in-progress', 'fulfilled', 'cancelled', 'noshow']),
  );
  const [patient] = await items('/patients?search=weiss');
  const history = await items(`/patients/${patient?.id}/history`);
  expect(history.map(({ description, severity }) => [description, severity])).toEqual([
    ['Blood pressure check', undefined],
    ['Amlodipine 5 mg once a day', undefined],
    ['Essential hypertension', 'moderate'],
    ['Penicillin', 'severe'],
  ]);
  await stopped(next);
});

test('a second start beside a running one is refused, by port or by data folder', async () => {
  const run = npmStart(['--empty']);
  await run.ready();
  const second = npmStart();
  expect(await second.end).toBe('exit code 1');
  for (const [variable, port] of Object.entries(ports)) {
    expect(second.output()).toContain(`Port ${port} is taken: stop what listens there, or set ${variable}`);
  }
  const elsewhere = {
    PORT: `${await freePort()}`,
    PATIENT_PORT: `${await freePort()}`,
    DOCTOR_PORT: `${await freePort()}`,
  };
  const sameData = npmStart([], elsewhere);
  expect(await sameData.end).toBe('exit code 1');
  expect(sameData.output()).toMatch(
    /data is in use by another npm start \(process \d+\): stop it, or set DATA_DIR\./,
  );
  await stopped(run);
});

test('the data survives a restart, and the three printed calls work: the last one books', async () => {
  const run = npmStart();
  await run.ready();
  expect(run.output()).not.toContain('Loaded a demo clinic');
  const before = await count('/appointments');
  expect(before).toBeGreaterThanOrEqual(68);
  const calls = run
    .output()
    .split('\n')
    .filter((line) => line.startsWith('curl '));
  expect(calls).toHaveLength(3);
  const answers = [];
  for (const call of calls) {
    const { stdout } = await sh('sh', ['-c', `${call} --silent --show-error --write-out '\\n%{http_code}'`]);
    const [body = '', status] = stdout.split('\n');
    answers.push([status, JSON.parse(body)]);
  }
  expect(answers).toMatchObject([
    ['200', { items: [{ givenName: 'Noël' }] }],
    ['200', { items: [{}, {}, {}] }],
    ['201', { status: 'booked' }],
  ]);
  expect(await count('/appointments')).toBe(before + 1);
  expect(await get(`/reservations/${answers[2]?.[1].id}`)).toMatchObject({
    status: 404,
    body: { type: 'urn:problem-type:not-found' },
  });

  // Ctrl-C goes to npm and to us, and npm passes it on; an impatient user presses it twice.
  const all = run.processes();
  process.kill(-(run.npm.pid ?? 0), 'SIGINT');
  process.kill(-(run.npm.pid ?? 0), 'SIGINT');
  expect(await run.end).toBe('exit code 0');
  await nothingLeft(all);
});

test.each([
  ['the patient service', 'services/patient/main.ts', 'patient'],
  ['the doctor service', 'services/doctor/main.ts', 'doctor'],
  ['PostgreSQL', '/postgres -D', 'PostgreSQL'],
])('when %s is killed the rest stops within 10 s, and says so', async (_part, command, name) => {
  const run = npmStart();
  await run.ready();
  const all = run.processes();
  const killedAt = Date.now();
  signal(run, command, 'SIGKILL');
  expect(await run.end).toBe('exit code 1');
  await nothingLeft(all);
  expect(Date.now() - killedAt).toBeLessThan(10_000);
  expect(run.output()).toContain(`${name} has ended (SIGKILL): stopping the rest.`);
});

test('starts again by itself after SIGKILL of all of it, and of npm alone', async () => {
  const first = npmStart();
  await first.ready();
  const before = await count('/appointments');
  for (const { pid } of first.processes()) process.kill(pid, 'SIGKILL');
  await first.end;

  const second = npmStart();
  await second.ready();
  const left = second.processes().filter(({ pid }) => pid !== second.npm.pid);
  second.npm.kill('SIGKILL');
  await second.end;

  const third = npmStart();
  await third.ready();
  await nothingLeft(left);
  expect(await count('/appointments')).toBe(before);
  await stopped(third);
});

test('SIGTERM in the middle of a start stops it cleanly, and --empty loads nothing', async () => {
  const own = { DATA_DIR: join(folder, 'empty') };
  const interrupted = npmStart(['--empty'], own);
  const postmaster = join(own.DATA_DIR, 'postgres', 'postmaster.pid');
  await eventually(async () => expect(existsSync(postmaster)).toBe(true), 60_000);
  const all = interrupted.processes();
  interrupted.npm.kill('SIGTERM');
  expect(await interrupted.end).toBe('exit code 0');
  await nothingLeft(all);

  const run = npmStart(['--empty'], own);
  await run.ready();
  expect(await count('/patients')).toBe(0);
  const calls = run
    .output()
    .split('\n')
    .filter((line) => line.startsWith('curl '));
  for (const call of calls) await sh('sh', ['-c', `${call} --silent --fail-with-body`]);
  expect([await count('/doctors'), await count('/patients')]).toEqual([1, 1]);
});
