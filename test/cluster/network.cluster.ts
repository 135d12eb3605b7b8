import { jest } from '@jest/globals';
import { deployLocal, kubectl, list, namespace, podsOf } from './cluster.ts';
import { run, tryRun } from './command.ts';
import { limitMs } from './limits.ts';
import { type Address, type Outcome, probe, type Source } from './probe.ts';

jest.setTimeout(limitMs(180));

const elsewhere = 'clinic-stranger';

const PORT = 8080;

/** A pod to connect from and to, of an image that is in the cluster. */
const stranger = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'stranger', labels: { 'app.kubernetes.io/name': 'stranger' } },
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
        name: 'stranger',
        image: 'patient:0.1.0',
        args: ['-e', `require('node:net').createServer((socket) => socket.end()).listen(${PORT})`],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  },
};

const places = [
  'patient',
  'doctor',
  'patient database',
  'doctor database',
  'prometheus',
  'stranger',
  'elsewhere',
] as const;
type Place = (typeof places)[number];

/** Where each of them listens itself. */
const OWN_PORT: Readonly<Record<Place, number>> = {
  patient: 3001,
  doctor: 3002,
  'patient database': 5432,
  'doctor database': 5432,
  prometheus: 9090,
  stranger: PORT,
  elsewhere: PORT,
};
/** Nobody listens here. */
const CLOSED_PORT = 9;

const targets = [
  'patient',
  'doctor',
  'patient database',
  'doctor database',
  'prometheus',
  'DNS',
  'another port of the patient service',
  'another port of the doctor service',
  'another port of the patient database',
  'another port of the doctor database',
  'another port of DNS',
  'a service of the cluster',
  'somewhere else',
  'the internet',
] as const;
type Target = (typeof targets)[number];

/** Everything that is not here ends in nothing: a policy drops it, and nobody answers. */
const ALLOWED: Readonly<Record<Place, readonly Target[]>> = {
  patient: ['doctor', 'patient database', 'DNS'],
  doctor: ['doctor database', 'DNS'],
  'patient database': [],
  'doctor database': [],
  prometheus: ['patient', 'doctor'],
  stranger: [],
  // No policy of ours binds a pod elsewhere: these show that somebody listens there.
  elsewhere: ['DNS', 'another port of DNS', 'a service of the cluster', 'somewhere else'],
};

async function sourceOf(place: Place): Promise<Source> {
  if (place === 'stranger') return { pod: 'stranger', container: 'stranger', has: 'node' };
  if (place === 'elsewhere')
    return { namespace: elsewhere, pod: 'stranger', container: 'stranger', has: 'node' };
  const name = place.replace(' database', '-postgres');
  const pod = (await podsOf(name))[0]?.metadata.name;
  if (pod === undefined) throw new Error(`There is no pod of ${name}`);
  if (place === 'prometheus') return { pod, container: 'prometheus', has: 'promtool' };
  return place === name ? { pod, container: name, has: 'node' } : { pod, container: 'postgres', has: 'bash' };
}

/** Addresses and no names, because a stranger may not even ask for names. */
async function addressesOf(): Promise<Record<Target, Address>> {
  const own = await list('services');
  const service = (name: string, port: number): Address => ({
    host: own.find(({ metadata }) => metadata.name === name)?.spec.clusterIP,
    port,
  });
  const podIp = async (name: string): Promise<string> => (await podsOf(name))[0]?.status.podIP;
  const inNamespace = async (where: string, what: string, member: string): Promise<string> =>
    (await run('kubectl', ['-n', where, 'get', ...what.split(' '), '-o', `jsonpath={${member}}`])).trim();
  const closed = async (name: string): Promise<Address> => ({ host: await podIp(name), port: CLOSED_PORT });
  return {
    patient: service('patient', 3001),
    doctor: service('doctor', 3002),
    'patient database': service('patient-postgres', 5432),
    'doctor database': service('doctor-postgres', 5432),
    prometheus: { host: await podIp('prometheus'), port: 9090 },
    DNS: { host: await inNamespace('kube-system', 'service kube-dns', '.spec.clusterIP'), port: 53 },
    'another port of the patient service': await closed('patient'),
    'another port of the doctor service': await closed('doctor'),
    'another port of the patient database': await closed('patient-postgres'),
    'another port of the doctor database': await closed('doctor-postgres'),
    // Where it tells that it lives.
    'another port of DNS': {
      host: await inNamespace('kube-system', 'pods -l k8s-app=kube-dns', '.items[0].status.podIP'),
      port: 8080,
    },
    // At the port of the API server too. That one itself is on the node, which policies need not close to the node's own pods.
    'a service of the cluster': {
      host: await inNamespace('kube-system', 'service metrics-server', '.spec.clusterIP'),
      port: 443,
    },
    'somewhere else': { host: await inNamespace(elsewhere, 'pod stranger', '.status.podIP'), port: PORT },
    // Reserved for documentation; a cluster may have no way there at all, and then this says nothing.
    'the internet': { host: '203.0.113.1', port: 443 },
  };
}

let addresses: Record<Target, Address>;
const outcomes = new Map<Place, Map<string, Outcome>>();
const outcomeOf = (from: Place, { host, port }: Address): Outcome | undefined =>
  outcomes.get(from)?.get(`${host}:${port}`);

const ownAddress = (place: Place): Address => ({ host: '127.0.0.1', port: OWN_PORT[place] });
const closedAddress: Address = { host: '127.0.0.1', port: CLOSED_PORT };

beforeAll(async () => {
  await deployLocal();
  await tryRun('kubectl', ['create', 'namespace', elsewhere]);
  for (const where of [namespace, elsewhere]) {
    await run('kubectl', ['-n', where, 'apply', '-f', '-'], { input: JSON.stringify(stranger) });
    const wait = ['wait', '--for=condition=Ready', 'pod/stranger', `--timeout=${limitMs(30) / 1_000}s`];
    await run('kubectl', ['-n', where, ...wait]);
  }
  addresses = await addressesOf();
  for (const place of places) {
    const all = [...Object.values(addresses), ownAddress(place), closedAddress];
    outcomes.set(place, await probe(await sourceOf(place), all));
  }
});
afterAll(async () => {
  await tryRun('kubectl', ['delete', 'namespace', elsewhere, '--wait=false']);
  await kubectl(['delete', 'pod', 'stranger', '--ignore-not-found', '--wait=false']);
});

// Without these, a probe that can connect nowhere would pass for a policy that works.
test.each(places)('%s connects to itself, and is refused where nobody listens', (place) => {
  expect([outcomeOf(place, ownAddress(place)), outcomeOf(place, closedAddress)]).toEqual([
    'connected',
    'refused',
  ]);
});

/** No policy stands between a pod and itself. */
const isItself = (from: Place, to: Target): boolean =>
  [`${from}`, `another port of the ${from}`, `another port of the ${from} service`].includes(to);
/** Elsewhere nothing of ours binds. Prometheus may go out to the ports of the API server, to which no policy can give a name. */
const mayGoOut = (from: Place, to: Target): boolean =>
  to === 'the internet' && (from === 'elsewhere' || from === 'prometheus');

test.each(
  places.flatMap((from) =>
    targets.filter((to) => !isItself(from, to) && !mayGoOut(from, to)).map((to) => [from, to] as const),
  ),
)('%s → %s', (from, to) => {
  expect(outcomeOf(from, addresses[to])).toBe(ALLOWED[from].includes(to) ? 'connected' : 'timeout');
});

test('the services find each other and their databases by name', async () => {
  const names = async (from: Place, ...hosts: [string, number][]): Promise<Outcome[]> => [
    ...(
      await probe(
        await sourceOf(from),
        hosts.map(([host, port]) => ({ host, port })),
      )
    ).values(),
  ];
  expect(await names('patient', ['doctor', 3002], ['patient-postgres', 5432])).toEqual([
    'connected',
    'connected',
  ]);
  expect(await names('doctor', ['doctor-postgres', 5432])).toEqual(['connected']);
});
