import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import type { AuditEvent } from '../audit/event.ts';
import { eventOf, openTrail } from '../audit/trail.ts';
import type { Caller } from '../caller/caller.ts';
import { databaseAway } from '../db/failure.ts';
import { currentContext } from '../log/context.ts';
import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { internal, malformedRequest, methodNotAllowed, Problem } from '../problem/problem.ts';
import { busy, createAdmission } from './admission.ts';
import type { Answer } from './answer.ts';
import { nothingHere, readCall } from './call.ts';
import { clientAddress, type IsTrusted } from './client-address.ts';
import type { Endpoint } from './endpoint.ts';
import { headerOf } from './header.ts';
import { identify, observe, observeProblem, observeRoute } from './observe.ts';
import { problemAnswer, send, unlessUnchanged } from './send.ts';

export interface AppOptions {
  endpoints: readonly Endpoint[];
  /** Answers that need no caller and leave no log line: probes, metrics, documents. By path. */
  open: Readonly<Record<string, () => Answer | Promise<Answer>>>;
  /** Who is calling. @throws a 401 or 403 problem */
  authenticate: (req: Request) => Caller | Promise<Caller>;
  /** Makes an event durable that no transaction has kept. @throws unavailable */
  record: (event: AuditEvent) => Promise<void>;
  log: Log;
  metrics: () => Metrics;
  isDraining: () => boolean;
  isTrustedProxy: IsTrusted;
  /** More requests than this at once are answered 503 at once. */
  maxRequestsInFlight: number;
  /** Of them so many work at once, but for those that read one thing; the others stand in line. */
  maxRequestsAtWork: number;
}

/** What went wrong, as a problem: ours as it is, a database that is away as 503, all else as 500 without a word about it. */
function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return (
    databaseAway(error) ?? internal('The request could not be answered; the log tells why.', { cause: error })
  );
}

/** The HTTP side of a service: every endpoint with its validation, its problems, one log line and one observation per request. */
export function createApp(options: AppOptions): { app: Express; inFlight: () => number } {
  const {
    endpoints,
    open,
    authenticate,
    record,
    log,
    metrics,
    isDraining,
    isTrustedProxy,
    maxRequestsInFlight,
    maxRequestsAtWork,
  } = options;
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', false);
  app.set('case sensitive routing', true);

  const admission = createAdmission(maxRequestsAtWork);

  const fail: Fail = (req, res, error) => send(res, failureAnswer(req, error), isDraining);

  const handlerOf =
    (endpoint: Endpoint, isLookup = readsOne(endpoint)): RequestHandler =>
    async (req, res) => {
      observeRoute(req, endpoint.path);
      const sourceIp = clientAddress(
        req.socket.remoteAddress,
        headerOf(req, 'x-forwarded-for'),
        isTrustedProxy,
      );
      const trail = openTrail(endpoint, { method: req.method, sourceIp });
      let answer: Answer;
      try {
        const call = await readCall(endpoint, req, res, { authenticate, trail });
        if (!isLookup) await admission.admit(req, res);
        trail.handled = true;
        answer = unlessUnchanged(req, await endpoint.handle(call));
      } catch (error) {
        if (error instanceof Problem && error.subject !== undefined)
          trail.caller = { subject: error.subject, role: undefined };
        answer = failureAnswer(req, error);
      }
      try {
        // Nothing is told that the audit trail does not know.
        const event = trail.kept ? undefined : eventOf(trail, answer);
        if (event !== undefined) await record(event);
      } catch (error) {
        answer = failureAnswer(req, error);
      }
      send(res, answer, isDraining);
    };

  const requireHost: RequestHandler = (req, res, next) => {
    if (req.httpVersion === '1.1' && req.headers.host === undefined)
      fail(req, res, malformedRequest('A request must have a Host header (RFC 9112 §3.2).'));
    else next();
  };
  const { handler: observed, inFlight } = observe(log, metrics);
  const requireRoom: RequestHandler = (req, res, next) => {
    // A full house refuses at once: waiting would make everybody late.
    if (inFlight() > maxRequestsInFlight) fail(req, res, busy());
    else next();
  };
  // Probes and documents come before logging and metrics, which they would drown.
  app.use(inOrder([identify, requireHost, openPaths(open, fail, isDraining), observed, requireRoom]));
  addRoutes(app, endpoints, handlerOf, fail, isDraining);
  app.use((req, res) => fail(req, res, nothingHere()));
  app.use((error: unknown, req: Request, res: Response, _next: unknown) =>
    // The router throws one when it cannot decode the path.
    fail(req, res, error instanceof URIError ? nothingHere() : error),
  );
  return { app, inFlight };
}

/** Lookups by id share connections and are done before a line would have moved: the more of them at once, the cheaper each is. */
const readsOne = ({ method, path }: Endpoint): boolean => method === 'GET' && /\/:\w+$/.test(path);

/** What the client is told of an error; the request's log line tells it too. */
function failureAnswer(req: Request, error: unknown): Answer {
  const problem = problemOf(error);
  observeProblem(req, problem);
  return problemAnswer(problem, currentContext()?.requestId);
}

type Fail = (req: Request, res: Response, error: unknown) => void;

/**
 * Answers the open paths. A route for each would cost every other request a comparison; a look into a map would keep each request's
 * path in V8's table of names.
 */
function openPaths(open: AppOptions['open'], fail: Fail, isDraining: () => boolean): RequestHandler {
  const answers = Object.entries(open);
  const allow = 'GET, HEAD, OPTIONS';
  return (req, res, next) => {
    const [, answer] = answers.find(([path]) => path === req.path) ?? [];
    if (answer === undefined) next();
    else if (req.method === 'GET' || req.method === 'HEAD')
      void Promise.resolve(answer()).then((known) => send(res, known, isDraining), next);
    else if (req.method === 'OPTIONS') send(res, { status: 204, headers: { allow } }, isDraining);
    else fail(req, res, methodNotAllowed('Only GET is allowed here.', { headers: { allow } }));
  };
}

/** What every request passes, as one layer of the router: each layer costs a request as much as a short handler. */
const inOrder =
  (steps: readonly RequestHandler[]): RequestHandler =>
  (req, res, next) => {
    const goOn = (index: number): void => {
      const step = steps[index];
      try {
        if (step === undefined) next();
        else void step(req, res, (error?: unknown) => (error === undefined ? goOn(index + 1) : next(error)));
      } catch (error) {
        // Here, because further out nobody knows which request it is.
        next(error);
      }
    };
    goOn(0);
  };

function addRoutes(
  app: Express,
  endpoints: readonly Endpoint[],
  handlerOf: (endpoint: Endpoint) => RequestHandler,
  fail: Fail,
  isDraining: () => boolean,
): void {
  const paths = groupByPath(endpoints);
  for (const [path, ofPath] of paths) {
    const route = app.route(path);
    for (const endpoint of ofPath) route[methodName(endpoint)](handlerOf(endpoint));
    const methods = ofPath.map(({ method }) => method as string);
    const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
    route.options((req, res) => {
      observeRoute(req, path);
      send(res, { status: 204, headers: { allow } }, isDraining);
    });
    route.all((req, res) => {
      observeRoute(req, path);
      fail(
        req,
        res,
        methodNotAllowed(`${req.method} is not allowed here; allowed: ${allow}.`, { headers: { allow } }),
      );
    });
  }
}

function groupByPath(endpoints: readonly Endpoint[]): Map<string, Endpoint[]> {
  const paths = new Map<string, Endpoint[]>();
  for (const endpoint of endpoints) paths.set(endpoint.path, [...(paths.get(endpoint.path) ?? []), endpoint]);
  return paths;
}

const methodName = ({ method }: Endpoint) =>
  method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete';
