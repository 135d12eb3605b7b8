import { createServer } from 'node:net';
import { CannotStart } from './cannot-start.ts';

/** A port of the loopback interface that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

async function whyClosed(port: number): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });
}

/** Throws CannotStart, naming the variables that change them, when we may not listen on one of the ports. */
export async function requireFreePorts(ports: Readonly<Record<string, number>>): Promise<void> {
  const closed = [];
  for (const [variable, port] of Object.entries(ports)) {
    const reason = await whyClosed(port);
    if (reason === 'EADDRINUSE')
      closed.push(`Port ${port} is taken: stop what listens there, or set ${variable}.`);
    else if (reason)
      closed.push(`We may not listen on port ${port} (${reason}): set ${variable} to another one.`);
  }
  if (closed.length > 0) throw new CannotStart(closed.join(' '));
}
