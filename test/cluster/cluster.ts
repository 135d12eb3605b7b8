import { fileURLToPath } from 'node:url';
import { run, tryRun } from './command.ts';
import { limitMs } from './limits.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const namespace = 'clinic';
/** Where the Ingress controller listens. */
export const clinicUrl = process.env.CLINIC_URL ?? 'http://127.0.0.1';
export const services = ['patient', 'doctor'] as const;
export type Service = (typeof services)[number];

/** `kubectl` in the namespace of the clinic. */
export const kubectl = (args: readonly string[], input?: string): Promise<string> =>
  run('kubectl', ['-n', namespace, ...args], { cwd: root, ...(input === undefined ? {} : { input }) });

export const tryKubectl = (args: readonly string[], input?: string) =>
  tryRun('kubectl', ['-n', namespace, ...args], { cwd: root, ...(input === undefined ? {} : { input }) });

export interface KubeObject {
  kind: string;
  metadata: {
    name: string;
    uid: string;
    resourceVersion: string;
    creationTimestamp: string;
    generation?: number;
    labels?: Record<string, string>;
    deletionTimestamp?: string;
  };
  // Each kind has its own, and a test says what it expects of it.
  // biome-ignore lint/suspicious/noExplicitAny: the API server's own JSON
  [member: string]: any;
}

export async function list(kinds: string, ...args: string[]): Promise<KubeObject[]> {
  return (JSON.parse(await kubectl(['get', kinds, '-o', 'json', ...args])) as { items: KubeObject[] }).items;
}

/** The pods of a service that are not on their way out. */
export async function podsOf(name: string): Promise<KubeObject[]> {
  const pods = await list('pods', '-l', `app.kubernetes.io/name=${name}`);
  return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** Waits until what was applied is what runs: every Deployment and StatefulSet, without a pod of an earlier state. */
export async function allReady(seconds = 120): Promise<void> {
  for (const workload of ['statefulset', 'deployment']) {
    for (const { metadata } of await list(workload))
      await kubectl([
        'rollout',
        'status',
        `${workload}/${metadata.name}`,
        `--timeout=${limitMs(seconds) / 1_000}s`,
      ]);
  }
}

export const apply = (folder: string): Promise<string> => kubectl(['apply', '-k', folder]);

/** The state that every test file starts from: the local overlay, ready. */
export async function deployLocal(): Promise<void> {
  await apply('k8s');
  await allReady();
}

/** Runs JavaScript in a service's container, whose image has nothing but node. */
export const evaluateIn = (pod: string, container: Service, script: string): Promise<string> =>
  kubectl(['exec', pod, '-c', container, '--', '/nodejs/bin/node', '-e', script]);

/** Evicts a pod as a node's drain does; false while a disruption budget forbids it. */
export async function evict(pod: string): Promise<boolean> {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace } };
  const { code, stderr } = await tryKubectl(
    ['create', '--raw', `/api/v1/namespaces/${namespace}/pods/${pod}/eviction`, '-f', '-'],
    JSON.stringify(eviction),
  );
  if (code === 0) return true;
  if (/disruption budget/i.test(stderr)) return false;
  throw new Error(`pod ${pod} cannot be evicted: ${stderr}`);
}
