import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../log/log.ts';
import { closeServer } from './server.ts';

interface Draining {
  server: Server;
  /** How long to go on answering, in milliseconds. */
  delayMs: number;
  /** Background work claims nothing more. */
  pause: () => void;
  /** Ends background work, then the connections to the database. */
  close: () => Promise<void>;
  log: Log;
}

/**
 * Ends a service without losing a request: unready at once, but answering; then no new connection; then the requests in flight;
 * then what they needed. The caller has made `/readyz` say 503 and every answer say `Connection: close`.
 */
export async function drain({ server, delayMs, pause, close, log }: Draining): Promise<void> {
  log.info({}, 'draining');
  pause();
  // The settings of whoever routes to us take a moment to arrive.
  await sleep(delayMs);
  const { inTime } = await closeServer(server);
  if (!inTime) log.warn({}, 'requests were cut off at the deadline');
  await close();
  log.info({}, 'stopped');
}
