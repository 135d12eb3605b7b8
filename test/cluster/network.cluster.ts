import { jest } from '@jest/globals';
import { deployLocal, kubectl, list, namespace, podsOf } from './cluster.ts';
import { run, tryRun } from './command.ts';
import { limitMs } from './limits.ts';

jest.setTimeout(limitMs(180));

const elsewhere = 'clinic-stranger';

const PORT = 8080;

/** A pod to connect from and to, of an image that is in the cluster. */
const idlePod = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { 'app.kubernetes.io/name': name } },
  spec: {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 0,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name,
        image: 'patient:0.1.0',
        args: ['-e', `require('node:net').createServer((socket) => socket.end()).listen(${PORT})`],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  },
});

type Place = 'patient' | 'doctor' | 'patient-postgres' | 'doctor-postgres' | 'stranger' | 'elsewhere';

/** The command that says in one word what became of a connection: connected, refused or timeout. */
const fromNode = (address: string, port: number): string[] => [
  '/nodejs/bin/node',
  '-e',
  `const s = require('node:net').connect({ host: '${address}', port: ${port} });
   const end = (word) => { console.log(word); process.exit(0); };
   s.on('connect', () => end('connected')).on('error', (error) => end(error.code)); setTimeout(() => end('timeout'), 2000);`,
];
const fromShell = (address: string, port: number): string[] => [
  'bash',
  '-c',
  `timeout 2 bash -c '</dev/tcp/${address}/${port}' 2>/dev/null && echo connected || echo timeout`,
];

async function connect(from: Place, address: string, port: number): Promise<string> {
  const isDatabase = from.endsWith('-postgres');
  const pod =
    from === 'stranger' || from === 'elsewhere' ? 'stranger' : ((await podsOf(from))[0]?.metadata.name ?? '');
  const container = isDatabase ? 'postgres' : from === 'elsewhere' ? 'stranger' : from;
  const command = (isDatabase ? fromShell : fromNode)(address, port);
  const where = from === 'elsewhere' ? elsewhere : namespace;
  return (await run('kubectl', ['-n', where, 'exec', pod, '-c', container, '--', ...command])).trim();
}

/** Addresses, because a stranger may not even ask for names. */
let addresses: Record<string, { address: string; port: number }>;

beforeAll(async () => {
  await deployLocal();
  await tryRun('kubectl', ['create', 'namespace', elsewhere]);
  await kubectl(['apply', '-f', '-'], JSON.stringify(idlePod('stranger')));
  await run('kubectl', ['-n', elsewhere, 'apply', '-f', '-'], { input: JSON.stringify(idlePod('stranger')) });
  for (const where of [namespace, elsewhere])
    await run('kubectl', [
      '-n',
      where,
      'wait',
      '--for=condition=Ready',
      'pod/stranger',
      `--timeout=${limitMs(30) / 1_000}s`,
    ]);
  const clusterIp = async (where: string, name: string) =>
    (await run('kubectl', ['-n', where, 'get', 'service', name, '-o', 'jsonpath={.spec.clusterIP}'])).trim();
  const own = await list('services');
  const ip = (name: string): string =>
    own.find(({ metadata }) => metadata.name === name)?.spec.clusterIP as string;
  const [stranger] = JSON.parse(await run('kubectl', ['-n', elsewhere, 'get', 'pods', '-o', 'json'])).items;
  addresses = {
    patient: { address: ip('patient'), port: 3001 },
    doctor: { address: ip('doctor'), port: 3002 },
    'patient database': { address: ip('patient-postgres'), port: 5432 },
    'doctor database': { address: ip('doctor-postgres'), port: 5432 },
    DNS: { address: await clusterIp('kube-system', 'kube-dns'), port: 53 },
    'somewhere else': { address: stranger.status.podIP as string, port: PORT },
  };
});
afterAll(async () => {
  await tryRun('kubectl', ['delete', 'namespace', elsewhere, '--wait=false']);
  await kubectl(['delete', 'pod', 'stranger', '--ignore-not-found', '--wait=false']);
});

const sources: readonly Place[] = [
  'patient',
  'doctor',
  'patient-postgres',
  'doctor-postgres',
  'stranger',
  'elsewhere',
];
const targets = ['patient', 'doctor', 'patient database', 'doctor database', 'DNS', 'somewhere else'];

const ALLOWED = new Set([
  'patient → doctor',
  'patient → patient database',
  'patient → DNS',
  'doctor → doctor database',
  'doctor → DNS',
  // No policy of ours binds a pod elsewhere: these show that somebody listens.
  'elsewhere → DNS',
  'elsewhere → somewhere else',
]);
const pairs = sources.flatMap((from) => targets.map((to) => [from, to] as const));

test.each(pairs)('%s → %s', async (from, to) => {
  const { address, port } = addresses[to] ?? { address: '', port: 0 };
  const pair = `${from} → ${to}`;
  expect(await connect(from, address, port)).toBe(ALLOWED.has(pair) ? 'connected' : 'timeout');
});

test('the services find each other and their databases by name', async () => {
  expect(await connect('patient', 'doctor', 3002)).toBe('connected');
  expect(await connect('patient', 'patient-postgres', 5432)).toBe('connected');
  expect(await connect('doctor', 'doctor-postgres', 5432)).toBe('connected');
});
