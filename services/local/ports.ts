import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CannotStart } from './cannot-start.ts';

async function whyClosed(port: number): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });
}

/** Below those that outgoing connections get, and those of Kubernetes' NodePorts. */
const [LOWEST, HIGHEST] = [20_000, 29_999];

/** A port of the loopback interface that nobody listens on at this moment, and that no connection takes before somebody does. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(LOWEST, HIGHEST + 1);
    if ((await whyClosed(port)) === undefined) return port;
  }
  throw new Error(`there is no free port from ${LOWEST} to ${HIGHEST}`);
}

/**
 * Throws CannotStart, naming the variables that change them, when we may not listen on one of the ports; where they
 * are about to become free, after `patienceMs`.
 */
export async function requireFreePorts(
  ports: Readonly<Record<string, number>>,
  patienceMs = 0,
): Promise<void> {
  for (const giveUpAt = Date.now() + patienceMs; ; await sleep(100)) {
    const closed = await closedPorts(ports);
    if (closed.length === 0) return;
    if (Date.now() >= giveUpAt) throw new CannotStart(closed.join(' '));
  }
}

async function closedPorts(ports: Readonly<Record<string, number>>): Promise<string[]> {
  const messages = [];
  for (const [variable, port] of Object.entries(ports)) {
    const reason = await whyClosed(port);
    if (reason === 'EADDRINUSE') {
      messages.push(`Port ${port} is taken: stop what listens there, or set ${variable} to another one.`);
    } else if (reason) {
      messages.push(`Nobody may listen on port ${port} (${reason}): set ${variable} to another one.`);
    }
  }
  return messages;
}
