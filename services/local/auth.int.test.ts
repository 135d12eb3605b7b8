import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { jest } from '@jest/globals';
import { eventually } from '../testing/eventually.ts';
import { freePort } from './ports.ts';
import { endOf } from './processes.ts';

jest.setTimeout(120_000);

const root = new URL('../..', import.meta.url).pathname;
const { NODE_OPTIONS: _ofJest, ...inherited } = process.env;

let folder: string;
let environment: NodeJS.ProcessEnv;
let gateway: string;
let npm: ChildProcess | undefined;
let printed = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clinic-auth-'));
  await chmod(folder, 0o755);
  const port = await freePort();
  gateway = `http://127.0.0.1:${port}`;
  environment = {
    ...inherited,
    PORT: String(port),
    PATIENT_PORT: String(await freePort()),
    DOCTOR_PORT: String(await freePort()),
    DATA_DIR: join(folder, 'data'),
  };
});
afterAll(async () => {
  if (npm !== undefined) {
    npm.kill('SIGTERM');
    await endOf(npm);
  }
  await rm(folder, { recursive: true });
});

/** What `npm run token` prints, or the line that it refuses with. */
async function token(...args: readonly string[]): Promise<string> {
  const run = promisify(execFile)('npm', ['run', '-s', 'token', '--', ...args], {
    cwd: root,
    env: environment,
  });
  return run.then(
    ({ stdout }) => stdout.trim(),
    ({ code, stderr }: { code: number; stderr: string }) => `${code}: ${stderr.trim().split('\n').at(-1)}`,
  );
}

async function call(method: string, path: string, bearer?: string, body?: object) {
  const answer = await fetch(`${gateway}${path}`, {
    method,
    headers: {
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, string> };
}

test('npm run token says what is missing, in one line', async () => {
  expect(await token('--role', 'admin')).toMatch(
    /^1: There is no key in .*: run npm start -- --auth first\.$/,
  );
  expect(await token()).toMatch(/^1: Usage: npm run token/);
  expect(await token('--role', 'root')).toMatch(/^1: Usage: npm run token/);
  expect(await token('--rolle', 'admin')).toMatch(/^1: Unknown option '--rolle'.*Usage/);
  expect(await token('--role', 'doctor')).toMatch(/^1: --role doctor needs --doctor-id/);
});

test('npm start -- --auth lets in who has a token, as its role, and books through both services', async () => {
  npm = spawn('npm', ['start', '--', '--auth'], {
    cwd: root,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [npm.stdout, npm.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (printed += text));
  await eventually(async () => expect(printed).toMatch(/^ready$/m), 60_000);
  expect(printed).toContain('npm run -s token');
  expect(printed).not.toContain('AUTH=off');

  expect((await call('GET', '/patients')).status).toBe(401);
  const admin = await token('--role', 'admin');
  const doctor = await call('POST', '/doctors', admin, {
    givenName: 'Anna',
    familyName: 'Lindqvist',
    specialties: ['general practice'],
    timeZone: 'UTC',
  });
  expect(doctor.status).toBe(201);
  const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
  const schedule = { weeklyHours: days.map((weekday) => ({ weekday, from: '00:00', to: '24:00' })) };
  expect((await call('PUT', `/doctors/${doctor.body.id}/schedule`, admin, schedule)).status).toBe(201);

  const desk = await token('--role', 'receptionist');
  expect((await call('PUT', `/doctors/${doctor.body.id}`, desk, {})).status).toBe(403);
  const patient = await call('POST', '/patients', desk, { familyName: 'Beaumont', birthDate: '1996' });
  const own = await token('--role', 'patient', '--patient-id', patient.body.id ?? '');
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const booked = await call('POST', '/appointments', own, {
    patientId: patient.body.id,
    doctorId: doctor.body.id,
    startsAt: `${tomorrow}T12:00:00Z`,
    durationMinutes: 30,
  });
  // The patient service has a token of its own for the doctor service.
  expect([booked.status, booked.body.status]).toEqual([201, 'booked']);
});
