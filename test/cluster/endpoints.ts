import { setTimeout as sleep } from 'node:timers/promises';
import { list, type Service } from './cluster.ts';

/** From when to when, in milliseconds of the clock that was given. */
export interface Gap {
  from: number;
  to: number;
}

const INTERVAL_MS = 500;

/** Notes when a service had no pod that was ready, by what the Ingress controller is told too; to half a second or so. */
export function watchGaps(service: Service, clock: () => number): { stop: () => Promise<Gap[]> } {
  const gaps: Gap[] = [];
  let since: number | undefined;
  let stopped = false;
  const look = async (): Promise<void> => {
    const askedAt = clock();
    const slices = await list('endpointslices', '-l', `kubernetes.io/service-name=${service}`);
    const endpoints = slices.flatMap(
      (slice) => (slice.endpoints ?? []) as { conditions: { ready?: boolean } }[],
    );
    if (!endpoints.some(({ conditions }) => conditions.ready === true)) since ??= askedAt;
    else if (since !== undefined) {
      gaps.push({ from: since, to: clock() });
      since = undefined;
    }
  };
  const watching = (async () => {
    for (; !stopped; await sleep(INTERVAL_MS)) await look();
  })();
  // Who stops it hears of a failure.
  watching.catch(() => undefined);
  return {
    stop: async () => {
      stopped = true;
      await watching;
      return since === undefined ? gaps : [...gaps, { from: since, to: clock() }];
    },
  };
}
