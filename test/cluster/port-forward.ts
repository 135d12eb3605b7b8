import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { namespace } from './cluster.ts';

export interface PortForward {
  /** On 127.0.0.1. */
  port: string;
  close: () => void;
}

/** Makes a port of a pod reachable, as a person does who operates it. */
export async function forwardPort(pod: string, podPort: number): Promise<PortForward> {
  const forward = spawn('kubectl', ['-n', namespace, 'port-forward', `pod/${pod}`, `:${podPort}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await new Promise<string>((resolve, reject) => {
    createInterface({ input: forward.stdout }).on('line', (line) => {
      const [, local] = /127\.0\.0\.1:(\d+) ->/.exec(line) ?? [];
      if (local !== undefined) resolve(local);
    });
    forward.once('exit', () => reject(new Error('the port forward ended')));
  });
  return { port, close: () => forward.kill() };
}
