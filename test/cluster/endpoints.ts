import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { namespace, type Service } from './cluster.ts';

/** From when to when, in milliseconds of the clock that was given. */
export interface Gap {
  from: number;
  to: number;
}

/** Notes when a service had no pod that was ready, by what the Ingress controller is told too. */
export function watchGaps(service: Service, clock: () => number): { stop: () => Gap[] } {
  const gaps: Gap[] = [];
  const ready = '{range .endpoints[*]}{.conditions.ready} {end}{"\\n"}';
  const watch = spawn(
    'kubectl',
    [
      ...['-n', namespace, 'get', 'endpointslices', '-l', `kubernetes.io/service-name=${service}`],
      ...['--watch', '-o', `jsonpath=${ready}`],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let since: number | undefined;
  createInterface({ input: watch.stdout }).on('line', (line) => {
    if (!line.includes('true')) since ??= clock();
    else if (since !== undefined) {
      gaps.push({ from: since, to: clock() });
      since = undefined;
    }
  });
  return {
    stop: () => {
      watch.kill();
      return since === undefined ? gaps : [...gaps, { from: since, to: clock() }];
    },
  };
}
