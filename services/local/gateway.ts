import { Agent, type IncomingMessage, ServerResponse } from 'node:http';
import { createProxyServer } from 'httpxy';
import { closeServer, listen } from '../shared/lifecycle/server.ts';
import { contextOf } from '../shared/log/context.ts';
import { notFound, type Problem, problemBody, unavailable } from '../shared/problem/problem.ts';
import { findRoute, type Route } from './ingress.ts';

export interface Gateway {
  port: number;
  /** Takes no more connections and resolves when the requests in flight are answered. */
  stop: () => Promise<void>;
  /** Cuts the connections that are left. */
  kill: () => void;
}

interface Options {
  /** 0 for any free one. */
  port: number;
  routes: readonly Route[];
  /** The URL on this machine of a service's port. Throws when there is none. */
  addressOf: (service: string, port: string) => string;
  /** How long a service may be silent. The slowest answer of a healthy one takes 1.5 s. */
  answerTimeoutMs?: number;
}

const NO_ANSWER =
  'The service behind this path gave no answer: what was asked may or may not have been done.';

/** Shorter than the services keep an idle connection (95 s), so that no request meets a closing one. */
const IDLE_CONNECTION_MS = 60_000;

/** The front door on the loopback interface: what the Ingress routes, and a 404 problem for all else. */
export async function startGateway({
  port,
  routes,
  addressOf,
  answerTimeoutMs = 30_000,
}: Options): Promise<Gateway> {
  const targets = new Map(routes.map((route) => [route, addressOf(route.service, route.port)]));
  const agent = new Agent({ keepAlive: true, maxSockets: 256, timeout: IDLE_CONNECTION_MS });
  const proxy = createProxyServer({ agent, xfwd: true, proxyTimeout: answerTimeoutMs });
  proxy.on('error', (_error, req, res) => {
    // An answer that has begun cannot become a problem any more: it is cut off.
    if (req && res instanceof ServerResponse && !res.headersSent) answer(req, res, unavailable(NO_ANSWER));
  });

  const forward = (req: IncomingMessage, res: ServerResponse): void => {
    const route = findRoute(routes, req.url?.split('?')[0] ?? '');
    const target = route && targets.get(route);
    if (target) {
      forgetForwarded(req);
      proxy.web(req, res, { target }).catch(() => res.destroy());
    } else {
      answer(req, res, notFound('The gateway has no route for this path.'));
    }
  };
  const { server, port: actualPort } = await listen({
    listener: forward,
    port,
    host: '127.0.0.1',
    keepAliveTimeoutMs: 75_000,
  });
  return {
    port: actualPort,
    stop: async () => {
      await closeServer(server);
      agent.destroy();
    },
    kill: () => server.closeAllConnections(),
  };
}

const FORWARDED = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
];

/** We are the first hop: nothing that a client says about hops before us is true. */
function forgetForwarded(req: IncomingMessage): void {
  for (const name of FORWARDED) delete req.headers[name];
}

function answer(req: IncomingMessage, res: ServerResponse, problem: Problem): void {
  const { requestId } = contextOf(req.headersDistinct['x-request-id']?.[0], undefined);
  const body = problemBody(problem, requestId);
  res.writeHead(problem.status, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'x-request-id': requestId,
    ...problem.headers,
    // A body that nobody reads is in the way of the connection's next request.
    ...(req.complete ? {} : { connection: 'close' }),
  });
  res.end(body);
}
