import { execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../services/local/ports.ts';
import { endOf } from '../services/local/processes.ts';
import { eventually } from '../services/testing/eventually.ts';

const root = new URL('..', import.meta.url).pathname;
const { NODE_OPTIONS: _ofJest, ...inherited } = process.env;

/** The shell commands of a section of the README. */
async function commandsOf(section: string): Promise<string> {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const [, text = ''] = readme.split(`\n## ${section}\n`);
  const [own = ''] = text.split('\n## ');
  return [...own.matchAll(/```sh\n(.*?)```/gs)].map(([, commands]) => commands).join('\n');
}

let folder: string;
let port: number;
let stop: () => Promise<void>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clinic-readme-'));
  await chmod(folder, 0o755);
  port = await freePort();
  const ports = {
    PORT: String(port),
    PATIENT_PORT: String(await freePort()),
    DOCTOR_PORT: String(await freePort()),
  };
  const npm = spawn('npm', ['start'], {
    cwd: root,
    env: { ...inherited, ...ports, DATA_DIR: join(folder, 'data') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [npm.stdout, npm.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
  stop = async () => {
    npm.kill('SIGTERM');
    await endOf(npm);
    await rm(folder, { recursive: true });
  };
  await eventually(async () => expect(printed).toMatch(/^ready$/m), 60_000);
}, 90_000);

afterAll(() => stop(), 60_000);

test('the first booking of the README is booked, and the second is told that the slot is taken', async () => {
  const commands = (await commandsOf('A first booking')).replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`);
  const { stdout, stderr } = await promisify(execFile)(
    'bash',
    ['-euo', 'pipefail', '-c', commands.replaceAll('slot.json', join(folder, 'slot.json'))],
    { cwd: root, env: inherited },
  );
  expect(stderr).toBe('');
  expect(stdout).toContain('"status":"booked"');
  expect(stdout).toContain('"type":"urn:problem-type:slot-taken"');
}, 60_000);
