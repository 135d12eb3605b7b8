import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { readRoutes } from '../services/local/ingress.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
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

test('the grace period of a pod is as long as its drain', () => {
  const { spec } = parse(read('k8s/base/patient/deployment.yaml')).spec.template;
  const [{ lifecycle }] = spec.containers;
  const [DRAIN_DELAY, REQUESTS_IN_FLIGHT, CLOSING] = [5, 20, 5];
  expect(spec.terminationGracePeriodSeconds).toBe(
    lifecycle.preStop.sleep.seconds + DRAIN_DELAY + REQUESTS_IN_FLIGHT + CLOSING,
  );
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
