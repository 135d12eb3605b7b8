import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { readRoutes } from '../services/local/ingress.ts';
import { readEnvironment, serviceSettings } from '../services/shared/config/environment.ts';
import { HARD_DEADLINE_MS, LAST_WORDS_MS } from '../services/shared/lifecycle/run.ts';
import { CLOSE_DEADLINE_MS } from '../services/shared/lifecycle/server.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
/** The objects of a file. */
// biome-ignore lint/suspicious/noExplicitAny: each kind has its own members, and a test says what it expects of them
const objectsOf = (file: string): any[] => parseAllDocuments(read(file)).map((each) => each.toJS());
const filesOf = (folder: string): string[] => readdirSync(path.join(root, folder)).sort();

/** A text about the doctor service, as it would read for the patient service. */
const asPatient = (text: string): string => text.replaceAll('doctor', 'patient').replaceAll('3002', '3001');

describe('the Dockerfiles', () => {
  const own = /^# ---- .*$/m;
  test('begin alike, so that the second image reuses the stages of the first', () => {
    const [patient = '', doctor = ''] = ['patient', 'doctor'].map((service) => read(`Dockerfile.${service}`));
    expect(patient).toMatch(own);
    expect(doctor.split(own)[0]).toBe(patient.split(own)[0]);
    expect(asPatient(doctor)).toBe(patient);
  });

  test('need nothing that only BuildKit knows', () => {
    expect(read('Dockerfile.patient')).not.toMatch(
      /^# *syntax=|<<|--link|--chmod|--mount|TARGETARCH|BUILDPLATFORM/m,
    );
  });
});

describe('the manifests of both services', () => {
  const alike = [
    ['k8s/base', ['deployment.yaml', 'network-policy.yaml']],
    ['k8s/components/postgres-dev', []],
  ] as const;

  test.each(alike)('are alike in %s but for names and ports', (folder, exceptions) => {
    const names = filesOf(`${folder}/patient`);
    expect(filesOf(`${folder}/doctor`)).toEqual(names);
    for (const name of names.filter((each) => !(exceptions as readonly string[]).includes(each)))
      expect(asPatient(read(`${folder}/doctor/${name}`))).toBe(read(`${folder}/patient/${name}`));
  });

  test('are alike in the components that have one file for each', () => {
    for (const component of ['hpa', 'postgres-cnpg'])
      expect(asPatient(read(`k8s/components/${component}/doctor.yaml`))).toBe(
        read(`k8s/components/${component}/patient.yaml`),
      );
  });

  test('differ in the Deployment by nothing but the address of the doctor service', () => {
    const patient = parse(read('k8s/base/patient/deployment.yaml'));
    const doctor = parse(asPatient(read('k8s/base/doctor/deployment.yaml')));
    const [container] = patient.spec.template.spec.containers as { env: { name: string }[] }[];
    if (container === undefined) throw new Error('no container');
    container.env = container.env.filter(({ name }) => name !== 'DOCTOR_SERVICE_URL');
    expect(doctor).toEqual(patient);
  });

  test('carry the version of package.json, as label and as tag', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    for (const service of ['patient', 'doctor']) {
      const { labels } = parse(read(`k8s/base/${service}/kustomization.yaml`));
      expect(labels[0].pairs['app.kubernetes.io/version']).toBe(version);
    }
    const { images } = parse(read('k8s/base/kustomization.yaml')) as { images: { newTag: string }[] };
    expect(images.map(({ newTag }) => newTag)).toEqual([version, version]);
  });

  test('are pushed by skaffold to where the registry component looks for them, and say what they are', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    const { images } = parse(read('k8s/components/registry/kustomization.yaml')) as {
      images: { newName: string }[];
    };
    const { profiles } = parse(read('skaffold.yaml')) as {
      profiles: {
        name: string;
        build: { artifacts: { image: string; docker: { buildArgs: Record<string, string> } }[] };
      }[];
    };
    const artifacts = profiles.find(({ name }) => name === 'production')?.build.artifacts ?? [];
    expect(artifacts.map(({ image }) => image)).toEqual(images.map(({ newName }) => newName));
    const declared = [...read('Dockerfile.patient').matchAll(/^ARG (VERSION|REVISION|SOURCE)=/gm)];
    for (const { docker } of artifacts) {
      expect(Object.keys(docker.buildArgs).sort()).toEqual(declared.map(([, name]) => name).sort());
      expect(docker.buildArgs.VERSION).toBe(version);
    }
  });
});

test('the HTTPRoute leads where the Ingress leads', () => {
  const route = parse(read('k8s/components/gateway-api/http-route.yaml')) as {
    spec: {
      rules: {
        matches: { path: { type: string; value: string } }[];
        backendRefs: { name: string; port: number }[];
      }[];
    };
  };
  const paths = route.spec.rules.flatMap(({ matches, backendRefs }) =>
    matches.map((match) => [match.path.type, match.path.value, backendRefs.map(({ name }) => name)]),
  );
  const expected = readRoutes(read('k8s/base/ingress.yaml')).map((each) => [
    'PathPrefix',
    each.path,
    [each.service],
  ]);
  expect(paths.sort()).toEqual(expected.sort());
});

/** What a service sets when nothing is said. */
const defaults = serviceSettings(
  readEnvironment({ AUTH: 'off', DATABASE_URL: 'postgres://app:word@database/name' }),
  { defaultPort: 1, roles: {} },
);

test('a pod has ended by itself, with its last line written, before the kubelet kills it', () => {
  const { spec } = parse(read('k8s/base/patient/deployment.yaml')).spec.template;
  const [{ lifecycle }] = spec.containers;
  const beforeSignalMs = lifecycle.preStop.sleep.seconds * 1_000;
  const graceMs = spec.terminationGracePeriodSeconds * 1_000;
  expect(beforeSignalMs + defaults.drainDelayMs + HARD_DEADLINE_MS + LAST_WORDS_MS).toBeLessThan(graceMs);
  // What is left after the last request: background work and the connections to the database.
  expect(HARD_DEADLINE_MS - CLOSE_DEADLINE_MS).toBeGreaterThanOrEqual(3_000);
});

describe('max_connections is enough for all pods that may hold connections at once', () => {
  const { maxSurge } = parse(read('k8s/base/patient/deployment.yaml')).spec.strategy.rollingUpdate;
  const { maxReplicas } = parse(read('k8s/components/hpa/patient.yaml')).spec;
  // A pod on its way out is counted neither as a replica nor as surge, and holds its connections until it has ended.
  const pods = 2 * maxReplicas + maxSurge;
  const BESIDE_THE_POOL = 4;
  const FOR_OTHERS = 10;
  const needed = pods * (defaults.poolMax + BESIDE_THE_POOL) + FOR_OTHERS;

  test('of postgres-cnpg', () => {
    const [cluster] = objectsOf('k8s/components/postgres-cnpg/patient.yaml');
    const { max_connections } = cluster.spec.postgresql.parameters;
    expect(Number(max_connections)).toBeGreaterThanOrEqual(needed);
  });

  test('of postgres-dev', () => {
    const { spec } = parse(read('k8s/components/postgres-dev/patient/stateful-set.yaml')).spec.template;
    const [, given] = /max_connections=(\d+)/.exec(spec.containers[0].args.join(' ')) ?? [];
    expect(Number(given)).toBeGreaterThanOrEqual(needed);
  });

  test('as docs/operations.md adds it up', () => {
    expect(read('docs/operations.md')).toContain(
      `${pods} × ${defaults.poolMax + BESIDE_THE_POOL} + ${FOR_OTHERS} = ${needed} of the 200`,
    );
  });
});

test('a database waits for a standby only where it has one: the operator refuses anything else', () => {
  const [cluster] = objectsOf('k8s/components/postgres-cnpg/patient.yaml');
  const { instances, postgresql } = cluster.spec;
  expect(postgresql.synchronous).toEqual({
    method: 'any',
    number: 1,
    dataDurability: 'required',
    failoverQuorum: true,
  });
  expect(instances).toBeGreaterThan(postgresql.synchronous.number + 1);
  const { patches } = parse(read('k8s/overlays/staging/kustomization.yaml')) as {
    patches: { target: { kind: string }; patch: string }[];
  };
  const staging = patches.find(({ target }) => target.kind === 'Cluster')?.patch ?? '';
  expect(parse(staging)).toEqual([
    { op: 'replace', path: '/spec/instances', value: 1 },
    { op: 'remove', path: '/spec/postgresql/synchronous' },
  ]);
});

test('the instances and the operator of CloudNativePG reach each other, and the API server', () => {
  const [, policy] = objectsOf('k8s/components/postgres-cnpg/patient.yaml');
  type Rule = { ports: { port: number }[]; from?: object[]; to?: object[] };
  const { ingress, egress } = policy.spec as { ingress: Rule[]; egress: Rule[] };
  const portsOf = ({ ports }: Rule) => ports.map(({ port }) => port);
  const instances = { podSelector: { matchLabels: { 'cnpg.io/cluster': 'patient-postgres' } } };
  const operator = {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'cnpg-system' } },
    podSelector: { matchLabels: { 'app.kubernetes.io/name': 'cloudnative-pg' } },
  };
  // PostgreSQL, and the status port of each instance's manager (CloudNativePG 1.30, "Exposed Ports").
  const inside = ingress.find(({ from }) => from?.length === 2);
  expect(inside).toMatchObject({ from: [instances, operator] });
  expect(inside && portsOf(inside)).toEqual([5432, 8000]);
  expect(egress.find(({ to }) => JSON.stringify(to) === JSON.stringify([instances]))?.ports).toEqual(
    inside?.ports,
  );
  // Of a managed cluster, of kubeadm and k3s, of minikube.
  const anywhere = egress.find(({ to }) => to === undefined);
  expect(anywhere && portsOf(anywhere)).toEqual([443, 6443, 8443]);
});

test('every overlay but production and what is made of it says AUTH off, and they say jwt', () => {
  const auth = (overlay: string) =>
    /name: AUTH\n +value: "?(\w+)/.exec(read(`k8s/overlays/${overlay}/kustomization.yaml`))?.[1];
  expect([auth('local'), auth('production')]).toEqual(['off', 'jwt']);
  expect(parseAllDocuments(read('k8s/base/patient/deployment.yaml'))[0]?.toString()).not.toMatch(
    /name: AUTH\b/,
  );
});

test('each component says what it is', () => {
  for (const component of filesOf('k8s/components'))
    expect(read(`k8s/components/${component}/README.md`)).toMatch(new RegExp(`^# ${component}\n`));
});
