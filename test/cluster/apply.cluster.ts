import { jest } from '@jest/globals';
import { eventually } from '../../services/testing/eventually.ts';
import { type Clinic, makeClinic } from './clinic.ts';
import { allReady, apply, clinicUrl, kubectl, list, namespace, tryKubectl } from './cluster.ts';
import { run } from './command.ts';
import { inSeconds, limitMs, measured, timed } from './limits.ts';

jest.setTimeout(limitMs(300));

let clinic: Clinic;
let booked: string;

beforeAll(async () => {
  await run('kubectl', [
    'delete',
    'namespace',
    namespace,
    '--ignore-not-found',
    `--timeout=${limitMs(120) / 1_000}s`,
  ]);
});
afterAll(async () => {
  await clinic?.caller.close();
});

/** What the cluster was told: it changes with every change of a specification. */
async function generations(): Promise<Record<string, unknown>> {
  const objects = await list(
    'deployments,statefulsets,services,ingresses,networkpolicies,secrets,configmaps,pods',
  );
  return Object.fromEntries(
    objects.map(({ kind, metadata, spec }) => [
      `${kind} ${metadata.name}`,
      // A pod's or a workload's status goes on changing.
      [metadata.uid, metadata.generation ?? metadata.resourceVersion, spec],
    ]),
  );
}

test('on an empty cluster, everything is taken without a warning and ready within 120 s', async () => {
  const took = await timed(async () => {
    // Pod Security warns of a Deployment whose pods it will refuse, and the API server of what is on its way out.
    const { code, stderr } = await tryKubectl(['apply', '-k', 'k8s']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    await allReady(120);
  });
  measured('kubectl apply -k k8s to all ready', inSeconds(took));
  expect(took).toBeLessThan(limitMs(120));
});

test('a booking through the Ingress is answered 201', async () => {
  // The Ingress controller hears of the endpoints a moment later.
  clinic = await eventually(() => makeClinic({ doctorCount: 1, patientCount: 1 }), limitMs(30));
  const { status, text } = await clinic.caller.call('POST', '/appointments', clinic.nextVisit());
  expect([status, text]).toEqual([201, expect.stringContaining('"status":"booked"')]);
  booked = (JSON.parse(text) as { id: string }).id;
});

test.each(
  '/reservations /reservations/01985f6e-0000-7000-8000-000000000000 /metrics /livez /readyz /healthz /docs /openapi.json /audit-events'.split(
    ' ',
  ),
)('%s is not reachable through the Ingress', async (path) => {
  const response = await fetch(`${clinicUrl}${path}`);
  expect(response.status).toBe(404);
  // The controller's own answer, and not one of a service.
  expect(response.headers.get('x-request-id')).toBeNull();
});

test('the namespace enforces Pod Security "restricted", and warns of a Deployment that does not keep to it', async () => {
  const labels = await kubectl(['get', 'namespace', namespace, '-o', 'jsonpath={.metadata.labels}']);
  expect(JSON.parse(labels)).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
  const privileged = await tryKubectl([
    'run',
    'privileged',
    '--image=postgres:18',
    '--dry-run=server',
    '--privileged',
  ]);
  expect([privileged.code, privileged.stderr]).toEqual([
    1,
    expect.stringContaining('violates PodSecurity "restricted'),
  ]);
  const warned = await tryKubectl(['create', 'deployment', 'lax', '--image=postgres:18', '--dry-run=server']);
  expect([warned.code, warned.stderr]).toEqual([
    0,
    expect.stringContaining('would violate PodSecurity "restricted'),
  ]);
});

test('applying again changes nothing', async () => {
  const before = await generations();
  await apply('k8s');
  expect(await generations()).toEqual(before);
  await kubectl(['diff', '-k', 'k8s']);
});

test('deleting the Deployments and StatefulSets and applying again finds the data', async () => {
  await kubectl(['delete', 'deployments,statefulsets', '--all', '--wait=true', '--cascade=foreground']);
  expect(await list('deployments,statefulsets')).toEqual([]);
  await apply('k8s');
  await allReady();
  await eventually(async () => {
    const { status, text } = await clinic.caller.call('GET', `/appointments/${booked}`);
    expect([status, text]).toEqual([200, expect.stringContaining('"status":"booked"')]);
  }, limitMs(30));
});
