import { run, tryRun } from './command.ts';
import { limitMs } from './limits.ts';

/** Everything is installed and compiled the first time. */
const BUILD_MS = limitMs(1_200);

const OURS = /^(kind-|k3d-|minikube$)/;

/** As when `kubectl` itself is missing. */
const NO_CONTEXT = { code: 1, stdout: '' };

/** What brings an image of this machine into a local cluster, by the name of the context. */
function loader(context: string): readonly string[] {
  if (context.startsWith('kind-'))
    return ['kind', 'load', 'docker-image', '--name', context.replace('kind-', '')];
  if (context.startsWith('k3d-')) return ['k3d', 'image', 'import', '-c', context.replace('k3d-', '')];
  return ['minikube', 'image', 'load'];
}

/** Refuses a cluster that may be somebody's, then builds the images of this checkout and brings them into the cluster. */
// biome-ignore lint/style/noDefaultExport: jest calls it by this name
export default async function setup(): Promise<void> {
  const { code, stdout } = await tryRun('kubectl', ['config', 'current-context']).catch(() => NO_CONTEXT);
  const context = stdout.trim();
  if (code === 0 && !OURS.test(context))
    throw new Error(
      `The tests delete the namespace clinic. They run in a local cluster only (a context kind-…, k3d-… or minikube), not in ${context}.`,
    );
  // For what needs no cluster, and for trying one test again and again.
  if (process.env.CLUSTER_IMAGES === 'loaded') return;
  if (code !== 0) throw new Error('The tests need a local cluster: kubectl has no current context.');
  await run('npm', ['run', '--silent', 'images'], { timeoutMs: BUILD_MS });
  const manifests = await run('kubectl', ['kustomize', 'k8s']);
  const names = new Set([...manifests.matchAll(/^ +image: (\S+)$/gm)].map(([, name = '']) => name));
  for (const name of names) {
    // The cluster pulls what is not here.
    if ((await tryRun('docker', ['image', 'inspect', name])).code !== 0) continue;
    const [program = '', ...args] = loader(context);
    await run(program, [...args, name]);
  }
}
