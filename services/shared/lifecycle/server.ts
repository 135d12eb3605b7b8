import {
  createServer,
  IncomingMessage,
  type RequestListener,
  type Server,
  ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Messages } from '../http/messages.ts';
import { problemAnswer } from '../http/send.ts';
import { contextOf } from '../log/context.ts';
import { defineProblem, malformedRequest } from '../problem/problem.ts';

const headersTooLarge = defineProblem('headers-too-large', 431, 'Path and headers are too large');
const requestTimeout = defineProblem('request-timeout', 408, 'The request did not arrive in time');

export interface ServerOptions {
  listener: RequestListener;
  /** What requests and answers are made of; Node's own otherwise. */
  messages?: Messages;
  port: number;
  host: string;
  /** Must outlive the idle time of the proxy in front, or its next request meets a closed socket. */
  keepAliveTimeoutMs: number;
}

function parserProblem(code: string | undefined) {
  if (code === 'HPE_HEADER_OVERFLOW') return headersTooLarge('Path and headers must have at most 16 KiB.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return requestTimeout('A request must arrive within 30 seconds.');
  return malformedRequest('The request could not be read as HTTP/1.1.');
}

/** How long a client whose request was refused may take to read why. */
const LINGER_MS = 1_000;

/** Whether a refusal would be taken for what it is, and not for the answer to an earlier request. */
const mayAnswer = (newest: { req: IncomingMessage; res: ServerResponse } | undefined): boolean => {
  if (newest === undefined) return true;
  const { req, res } = newest;
  const isBehind = req.complete && res.writableFinished;
  const isThisOne = !req.complete && !res.headersSent;
  return isBehind || isThisOne;
};

/** What the HTTP parser refuses never reaches the app; it gets a problem all the same. */
function answerUnparsable(server: Server): void {
  const newest = new WeakMap<Socket, { req: IncomingMessage; res: ServerResponse }>();
  server.on('request', (req, res) => newest.set(req.socket, { req, res }));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable || !mayAnswer(newest.get(socket))) {
      socket.destroy();
      return;
    }
    const { requestId } = contextOf(undefined, undefined);
    const { status, headers, body = '' } = problemAnswer(parserProblem(error.code), requestId);
    const lines = Object.entries({
      ...headers,
      'x-request-id': requestId,
      'cache-control': 'no-store',
      'content-length': Buffer.byteLength(body),
      connection: 'close',
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  });
}

/** Listens; rejects when the port cannot be had. */
export async function listen({
  listener,
  messages = { IncomingMessage, ServerResponse },
  port,
  host,
  keepAliveTimeoutMs,
}: ServerOptions): Promise<{ server: Server; port: number }> {
  const server = createServer(
    {
      ...messages,
      keepAliveTimeout: keepAliveTimeoutMs,
      requestTimeout: 30_000,
      headersTimeout: 30_000,
      maxHeaderSize: 16_384,
      // The app refuses a request without one, with a problem.
      requireHostHeader: false,
    },
    listener,
  );
  answerUnparsable(server);
  watchConnections(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return { server, port: (server.address() as AddressInfo).port };
}

const connections = new WeakMap<Server, Set<Socket>>();

function watchConnections(server: Server): void {
  const sockets = new Set<Socket>();
  connections.set(server, sockets);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
}

/** Closes what nobody waits on: after an answer, and where nothing was ever asked, which Node does not count as idle. */
function closeUnused(server: Server): void {
  server.closeIdleConnections();
  for (const socket of connections.get(server) ?? []) if (socket.bytesRead === 0) socket.destroy();
}

/** How long requests in flight may take to end. */
export const CLOSE_DEADLINE_MS = 20_000;

/** Closes the server: unused connections at once, busy ones after their answer, all of them at the deadline. */
export async function closeServer(
  server: Server,
  deadlineMs = CLOSE_DEADLINE_MS,
): Promise<{ inTime: boolean }> {
  const closed = new Promise<true>((resolve) => server.close(() => resolve(true)));
  const unused = setInterval(() => closeUnused(server), 100);
  closeUnused(server);
  const deadline = new AbortController();
  const inTime = await Promise.race([
    closed,
    sleep(deadlineMs, false, { signal: deadline.signal }).catch(() => true),
  ]);
  deadline.abort();
  clearInterval(unused);
  if (!inTime) server.closeAllConnections();
  return { inTime };
}
