import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServerOptions {
  listener: RequestListener;
  port: number;
  host: string;
  /** Must outlive the idle time of the proxy in front, or its next request meets a closed socket. */
  keepAliveTimeoutMs: number;
}

/** What the HTTP parser refuses never reaches the app; it gets a problem all the same. */
function answerUnparsable(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return;
    const [status, type] =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? [431, 'headers-too-large']
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? [408, 'request-timeout']
          : [400, 'malformed-request'];
    const title = STATUS_CODES[status] ?? '';
    const body = JSON.stringify({
      type: `urn:problem-type:${type}`,
      title,
      status,
      detail: 'The request could not be read as HTTP/1.1.',
    });
    socket.end(
      `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  });
}

/** Listens; rejects when the port cannot be had. */
export async function listen({
  listener,
  port,
  host,
  keepAliveTimeoutMs,
}: ServerOptions): Promise<{ server: Server; port: number }> {
  const server = createServer(
    {
      keepAliveTimeout: keepAliveTimeoutMs,
      requestTimeout: 30_000,
      headersTimeout: 30_000,
      maxHeaderSize: 16_384,
    },
    listener,
  );
  answerUnparsable(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return { server, port: (server.address() as AddressInfo).port };
}

/** How long requests in flight may take to end. */
const CLOSE_DEADLINE_MS = 20_000;

/** Closes the server: idle connections at once, busy ones after their answer, all of them at the deadline. */
export async function closeServer(server: Server): Promise<{ inTime: boolean }> {
  const closed = new Promise<true>((resolve) => server.close(() => resolve(true)));
  const idle = setInterval(() => server.closeIdleConnections(), 100);
  server.closeIdleConnections();
  const deadline = new AbortController();
  const inTime = await Promise.race([
    closed,
    sleep(CLOSE_DEADLINE_MS, false, { signal: deadline.signal }).catch(() => true),
  ]);
  deadline.abort();
  clearInterval(idle);
  if (!inTime) server.closeAllConnections();
  return { inTime };
}
