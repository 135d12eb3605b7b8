import { performance } from 'node:perf_hooks';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { refusalReasons } from '../auth/unauthenticated.ts';

/** Seconds; few of OpenTelemetry's bounds, because each costs a series per route (the objective's 0.25 is among them). */
const BUCKETS = [0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export interface Metrics {
  registry: Registry;
  /** `status` is the class, such as `2xx`. */
  observeRequest: (method: string, route: string, status: string, seconds: number) => void;
  /** @param reason one of `refusalReasons` */
  countUnauthenticated: (reason: string) => void;
}

export interface MetricsOptions {
  service: string;
  version: string;
  revision: string;
  requestsInFlight: () => number;
  /** What `/readyz` says. */
  isReady: () => boolean;
  isDatabaseUp: () => boolean;
  databaseLoad: () => { size: number; idle: number; waiting: number };
}

/** The registry of one service, with what every service exports. */
export function createMetrics({
  service,
  version,
  revision,
  requestsInFlight,
  isReady,
  isDatabaseUp,
  databaseLoad,
}: MetricsOptions): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  const registers = [registry];

  new Gauge({
    name: 'build_info',
    help: 'Always 1; the labels tell what runs.',
    labelNames: ['version', 'revision'],
    registers,
  }).set({ version, revision }, 1);

  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge('http_requests_in_flight', 'Requests that are being answered.', requestsInFlight);
  gauge('service_ready', '1 while /readyz answers 200, else 0.', () => Number(isReady()));
  gauge('database_up', '1 while the database answers, else 0.', () => Number(isDatabaseUp()));
  gauge('db_pool_size', 'Connections to the database.', () => databaseLoad().size);
  gauge('db_pool_idle', 'Connections to the database that are free.', () => databaseLoad().idle);
  gauge(
    'db_pool_waiting',
    'Requests that wait for a connection to the database.',
    () => databaseLoad().waiting,
  );
  let last = performance.eventLoopUtilization();
  gauge(
    'nodejs_eventloop_utilization',
    'Share of time the event loop was busy since the last scrape, 0 to 1.',
    () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    },
  );

  const unauthenticated = new Counter({
    name: 'http_requests_unauthenticated_total',
    help: 'Requests that were answered 401, by what was wrong with their token.',
    labelNames: ['reason'] as const,
    registers,
  });
  // From the start, so that the first of a kind is seen as an increase.
  for (const reason of refusalReasons) unauthenticated.inc({ reason }, 0);

  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the request to its answer, by method, route pattern and status class.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: BUCKETS,
    registers,
  });
  const bound = new Map<string, ReturnType<typeof duration.labels>>();
  return {
    registry,
    countUnauthenticated: (reason) => unauthenticated.inc({ reason }),
    observeRequest: (method, route, status, seconds) => {
      const key = `${method} ${route} ${status}`;
      let labelled = bound.get(key);
      if (labelled === undefined) {
        labelled = duration.labels(method, route, status);
        bound.set(key, labelled);
      }
      labelled.observe(seconds);
    },
  };
}
