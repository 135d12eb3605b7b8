import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { eventually } from '../../services/testing/eventually.ts';
import { makeClinic } from './clinic.ts';
import { allReady, clinicUrl, deployLocal, namespace, podsOf, root } from './cluster.ts';
import { run } from './command.ts';
import { inSeconds, limitMs, measured, timed } from './limits.ts';

jest.setTimeout(limitMs(600));

const INPUTS = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  '.dockerignore',
  'Dockerfile.patient',
  'Dockerfile.doctor',
  'skaffold.yaml',
  'services',
  'k8s',
];

let folder: string;
let developing: ChildProcess | undefined;

beforeAll(async () => {
  // A copy, because a test changes a line of it.
  folder = await mkdtemp(path.join(tmpdir(), 'clinic-skaffold-'));
  for (const input of INPUTS) await cp(path.join(root, input), path.join(folder, input), { recursive: true });
  await run('kubectl', ['delete', 'namespace', namespace, '--ignore-not-found']);
});
afterAll(async () => {
  await stopDeveloping();
  await rm(folder, { recursive: true, force: true });
  await deployLocal();
});

async function stopDeveloping(): Promise<void> {
  const child = developing;
  developing = undefined;
  if (child === undefined || child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  await ended;
}

test('skaffold run deploys from nothing', async () => {
  const took = await timed(() =>
    run('skaffold', ['run', '--interactive=false'], { cwd: folder, timeoutMs: limitMs(600) }),
  );
  await allReady();
  measured('skaffold run, images included', inSeconds(took));
  const clinic = await eventually(() => makeClinic({ doctorCount: 1, patientCount: 1 }), limitMs(30));
  const { status } = await clinic.caller.call('POST', '/appointments', clinic.nextVisit());
  await clinic.caller.close();
  expect(status).toBe(201);
});

const UNKNOWN = '01985f6e-0000-7000-8000-000000000000';

async function detailOf(resource: string): Promise<string> {
  const response = await fetch(`${clinicUrl}/${resource}/${UNKNOWN}`);
  return ((await response.json()) as { detail: string }).detail;
}

describe('skaffold dev', () => {
  let output = '';
  beforeAll(async () => {
    developing = spawn('skaffold', ['dev', '--port-forward=off', '--cleanup=false', '--interactive=false'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [developing.stdout, developing.stderr])
      stream?.on('data', (chunk) => {
        output += chunk;
      });
    await eventually(async () => {
      if (developing?.exitCode !== null) throw new Error(`skaffold ended: ${output.slice(-2_000)}`);
      if (!/Watching for changes/.test(output)) throw new Error(`not yet: ${output.slice(-2_000)}`);
    }, limitMs(300));
  });

  test.each([
    ['patients', 'services/patient/patients/store.ts', 'patient'],
    ['doctors', 'services/doctor/doctors/store.ts', 'doctor'],
  ])(
    'a changed line answers under /%s through the Ingress within 5 s, in the same pod',
    async (resource, file, service) => {
      const [before] = await podsOf(service);
      const detail = await eventually(() => detailOf(resource), limitMs(60));
      const source = path.join(folder, file);
      const text = await readFile(source, 'utf8');
      expect(text).toContain(detail);
      const changed = `${detail.replace(/\.$/, '')}, as of now.`;
      const took = await timed(async () => {
        await writeFile(source, text.replaceAll(detail, changed));
        await eventually(async () => expect(await detailOf(resource)).toBe(changed), limitMs(30));
      });
      measured(`skaffold dev: a line of the ${service} service to its answer`, inSeconds(took));
      expect(took).toBeLessThan(limitMs(5));
      const [after] = await podsOf(service);
      expect(after?.metadata.uid).toBe(before?.metadata.uid);
    },
  );
});
