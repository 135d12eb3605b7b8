import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { type KubeObject, root, services } from './cluster.ts';
import { run, tryRun } from './command.ts';
import { limitMs } from './limits.ts';

jest.setTimeout(limitMs(120));

const folders = async (parent: string): Promise<string[]> => {
  const entries = await readdir(path.join(root, parent), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${parent}/${name}`);
};
const combinations = [...(await folders('k8s/overlays')), ...(await folders('k8s/tests'))];

/** One folder for each combination, with all of its objects in one file of the same name. */
let rendered: string;
const nameOf = (combination: string): string => combination.replace('k8s/', '').replaceAll('/', '-');
const folderOf = (combination: string): string => path.join(rendered, nameOf(combination));
const fileOf = (combination: string): string =>
  path.join(folderOf(combination), `${nameOf(combination)}.yaml`);

beforeAll(async () => {
  rendered = await mkdtemp(path.join(tmpdir(), 'clinic-lint-'));
  for (const combination of combinations) {
    await run('mkdir', ['-p', folderOf(combination)]);
    const objects = await run('kubectl', ['kustomize', combination], { cwd: root });
    await writeFile(fileOf(combination), objects);
  }
});
afterAll(() => rm(rendered, { recursive: true, force: true }));

describe.each(combinations)('%s', (combination) => {
  test('kube-score finds nothing', async () => {
    const { stdout } = await tryRun('kube-score', [
      'score',
      '--output-format',
      'ci',
      '--enable-optional-test',
      'container-seccomp-profile',
      fileOf(combination),
    ]);
    const lines = stdout.trim().split('\n');
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.filter((line) => !/^\[(OK|SKIPPED)\]/.test(line))).toEqual([]);
  });

  test('trivy finds nothing', async () => {
    const output = await run('trivy', [
      'config',
      '--quiet',
      '--skip-check-update',
      '--ignorefile',
      path.join(root, 'k8s/tests/.trivyignore.yaml'),
      '--format',
      'json',
      folderOf(combination),
    ]);
    const { Results = [] } = JSON.parse(output) as {
      Results?: {
        MisconfSummary?: { Successes: number };
        Misconfigurations?: { ID: string; Message: string }[];
      }[];
    };
    expect(Results[0]?.MisconfSummary?.Successes).toBeGreaterThan(50);
    expect(
      Results.flatMap(({ Misconfigurations = [] }) =>
        Misconfigurations.map(({ ID, Message }) => [ID, Message]),
      ),
    ).toEqual([]);
  });

  test('checkov finds nothing', async () => {
    const { stdout, stderr } = await tryRun('checkov', [
      '--file',
      fileOf(combination),
      '--framework',
      'kubernetes',
      '--skip-download',
      '--output',
      'json',
    ]);
    if (stdout === '') throw new Error(stderr);
    const { results, summary } = JSON.parse(stdout) as {
      summary: { passed: number };
      results: { failed_checks: { check_id: string; check_name: string; resource: string }[] };
    };
    expect(summary.passed).toBeGreaterThan(50);
    expect(
      results.failed_checks.map(
        ({ check_id, check_name, resource }) => `${resource}: ${check_id} ${check_name}`,
      ),
    ).toEqual([]);
  });
});

/** Nothing is built: the tags are those that a build would give. */
const render = (...profile: string[]): Promise<string> =>
  run('skaffold', ['render', '--offline=true', '--digest-source=tag', ...profile], {
    cwd: root,
    env: {
      SKAFFOLD_UPDATE_CHECK: 'false',
      SKAFFOLD_INTERACTIVE: 'false',
      SOURCE: 'https://example.com/clinic',
    },
  });

describe('skaffold', () => {
  test.each([
    ['local', [], ''],
    ['dev', ['-p', 'dev'], ''],
    ['debug', ['-p', 'debug'], ''],
    ['production', ['-p', 'production'], 'registry.example.com/clinic/'],
  ] as const)(
    'renders the overlay %s, with a tag of its own for each image of ours',
    async (overlay, profile, registry) => {
      const objects = parseAllDocuments(await render(...profile)).map((each) => each.toJS());
      const expected = parseAllDocuments(await readFile(fileOf(`k8s/overlays/${overlay}`), 'utf8')).map(
        (each) => each.toJS(),
      );
      const nameOfObject = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.name}`;
      expect(objects.map(nameOfObject).sort()).toEqual(expected.map(nameOfObject).sort());
      for (const service of services) {
        const { spec } = objects.find((each) => nameOfObject(each) === `Deployment ${service}`).spec.template;
        for (const { image } of [...spec.initContainers, ...spec.containers]) {
          expect(image).toMatch(new RegExp(`^${registry}${service}:[\\w.-]+$`));
          expect(image).not.toMatch(/:0\.1\.0$/);
        }
      }
    },
  );

  test('builds production images that tell their version, their commit and their source', async () => {
    const read = parse(await run('skaffold', ['diagnose', '--yaml-only', '-p', 'production'], { cwd: root }));
    for (const { docker } of read.build.artifacts)
      expect(Object.keys(docker.buildArgs).sort()).toEqual(['REVISION', 'SOURCE', 'VERSION']);
  });
});

describe('the API server', () => {
  beforeAll(async () => {
    const definitions = await run('k8s/tests/custom-resource-definitions.sh', [], { cwd: root });
    await run('kubectl', ['apply', '--server-side', '-f', '-'], { input: definitions });
    await run('kubectl', [
      'wait',
      '--for=condition=Established',
      'crd/clusters.postgresql.cnpg.io',
      'crd/podmonitors.monitoring.coreos.com',
      'crd/prometheusrules.monitoring.coreos.com',
      'crd/gateways.gateway.networking.k8s.io',
      'crd/httproutes.gateway.networking.k8s.io',
      '--timeout=60s',
    ]);
    // Objects can be tried only in a namespace that exists, with the labels that its pods are judged by.
    for (const namespace of ['clinic', 'clinic-staging']) {
      const labels = {
        'pod-security.kubernetes.io/enforce': 'restricted',
        'pod-security.kubernetes.io/warn': 'restricted',
      };
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } };
      await run('kubectl', ['apply', '-f', '-'], { input: JSON.stringify(object) });
    }
  });

  test.each(combinations)('takes every object of %s, without a warning', async (combination) => {
    const { code, stderr } = await tryRun('kubectl', [
      'apply',
      '--dry-run=server',
      '-f',
      fileOf(combination),
    ]);
    const warnings = stderr
      .split('\n')
      // The namespace above was applied without what the overlay adds.
      .filter((line) => line !== '' && !line.includes('last-applied-configuration'));
    expect({ code, warnings }).toEqual({ code: 0, warnings: [] });
  });
});
