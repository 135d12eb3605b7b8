import type { Request, RequestHandler, Response } from 'express';
import { contextOf, currentContext, withContext } from '../log/context.ts';
import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Problem } from '../problem/problem.ts';
import { headerOf } from './header.ts';
import { whenOver } from './over.ts';

/** What the line of a request tells beside method and status; the route is its pattern, never the path itself. */
interface Observed {
  route: string;
  problem?: Pick<Problem, 'type' | 'reason'>;
  error?: unknown;
}

const observed = new WeakMap<Request, Observed>();

export function observeRoute(req: Request, route: string): void {
  const entry = observed.get(req);
  if (entry !== undefined) entry.route = route;
}

/** What the line tells of a problem: its word, of one that is our own failure its cause, and of what is counted by reason that. */
export function observeProblem(req: Request, problem: Problem): void {
  const entry = observed.get(req);
  if (entry === undefined) return;
  entry.problem = problem;
  if (problem.status >= 500 && problem.cause !== undefined) entry.error = problem.cause;
}

const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Gives each request its ids, which its answer and everything done for it carry. */
export const identify: RequestHandler = (req, _res, next) => {
  const context = contextOf(headerOf(req, 'x-request-id'), headerOf(req, 'traceparent'));
  withContext(context, next);
};

/** Gives each request one log line and one observation. */
export function observe(
  log: Log,
  metrics: () => Metrics,
): { handler: RequestHandler; inFlight: () => number } {
  let inFlight = 0;

  const finish = (req: Request, res: Response, entry: Observed, started: number): void => {
    inFlight -= 1;
    const seconds = (performance.now() - started) / 1000;
    const method = KNOWN_METHODS.has(req.method) ? req.method : '_OTHER';
    // 499: the client went away before the answer was written.
    const status = res.writableFinished ? res.statusCode : 499;
    metrics().observeRequest(method, entry.route, `${Math.floor(status / 100)}xx`, seconds);
    const { route, problem, error } = entry;
    if (status === 401 && problem?.reason !== undefined) metrics().countUnauthenticated(problem.reason);
    const fields = {
      method,
      route,
      status,
      durationMs: Math.round(seconds * 1e6) / 1e3,
      ...(problem === undefined || status === 499 ? {} : { problem: problem.type }),
      ...(problem?.reason === undefined ? {} : { reason: problem.reason }),
    };
    if (status < 500) log.info(fields, 'request');
    else log.error({ ...fields, ...(error === undefined ? {} : { error }) }, 'request failed');
  };

  const handler: RequestHandler = (req, res, next) => {
    const started = performance.now();
    const entry: Observed = { route: 'unmatched' };
    observed.set(req, entry);
    inFlight += 1;
    const context = currentContext();
    whenOver(req, res, () => {
      const end = () => finish(req, res, entry, started);
      // The socket may be the one that emits this, and it knows no request.
      if (context === undefined) end();
      else withContext(context, end);
    });
    next();
  };
  return { handler, inFlight: () => inFlight };
}
