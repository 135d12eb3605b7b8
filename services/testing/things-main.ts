import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { serviceSettings } from '../shared/config/environment.ts';
import { sql } from '../shared/db/statement.ts';
import { runProgram } from '../shared/lifecycle/run.ts';
import type { ServiceDefinition } from '../shared/lifecycle/service.ts';
import { thingService } from './things.ts';

const COUNT = sql<[], { count: number }>('things.count', 'select count(*) from migrations');

/** Things with a background part that needs the database to the end. */
function withBackground(service: ServiceDefinition): ServiceDefinition {
  let isStarted = false;
  return {
    ...service,
    build: (parts) => ({
      ...service.build(parts),
      background: [
        {
          start: () => {
            isStarted = true;
            parts.log.info({}, 'part started');
          },
          pause: () => parts.log.info({}, 'part paused'),
          stop: async () => {
            if (!isStarted) return;
            await parts.db.query(COUNT, []);
            parts.log.info({}, 'part stopped');
          },
        },
      ],
    }),
  };
}

/** The made-up service as a process, for tests of starting and stopping. */
await runProgram(
  {
    name: 'things',
    migrations: fileURLToPath(new URL('../doctor/migrations', import.meta.url)),
    definition: (environment) => {
      const settings = serviceSettings(environment, { defaultPort: 3009, roles: {} });
      const waitMs = environment.number('WAIT_MS', { from: 0, to: 60_000, fallback: 1_000 });
      const service = thingService({
        wait: async () => {
          await sleep(waitMs);
        },
        answer: () => {
          // Nobody waits for it: as a defect would do.
          void Promise.reject(new Error('nobody caught this'));
          return Promise.resolve({ status: 202, headers: {} });
        },
      });
      return { settings, definition: withBackground(service) };
    },
  },
  process.argv.slice(2),
);
