import type { Express, Request } from 'express';
import { auditMetrics } from '../audit/audit-metrics.ts';
import { createRecorder } from '../audit/recorder.ts';
import { createSealer } from '../audit/sealer.ts';
import { createAuthenticator, type Roles } from '../auth/authenticate.ts';
import { watchDenyList } from '../auth/deny-list.ts';
import { anyone, type Caller } from '../caller/caller.ts';
import type { ServiceSettings } from '../config/environment.ts';
import { type Database, openDatabase } from '../db/database.ts';
import { newestMigration } from '../db/migrate.ts';
import { type Health, packageVersion, watchDatabase } from '../health/health.ts';
import { type Answer, okJson } from '../http/answer.ts';
import { createApp } from '../http/app.ts';
import { type Endpoint, requireDeclarations } from '../http/endpoint.ts';
import { messagesOf } from '../http/messages.ts';
import { createRateLimit } from '../http/rate-limit.ts';
import { sweepKeys } from '../idempotency/once.ts';
import { createLog, type Log } from '../log/log.ts';
import { createMetrics, type Metrics } from '../metrics/metrics.ts';
import { docsPage } from '../openapi/docs-page.ts';
import { openApiDocument } from '../openapi/openapi.ts';
import { type Problem, tooManyRequests } from '../problem/problem.ts';
import { drain } from './drain.ts';
import { listen } from './server.ts';

/** What a service adds to the plumbing. */
export interface ServiceDefinition {
  name: string;
  title: string;
  description: string;
  migrations: string;
  /** Who may call; each endpoint says what they may do. */
  roles: Roles;
  /** The problem that a broken constraint means, by the constraint's name. */
  constraints: Readonly<Record<string, () => Problem>>;
  build: (parts: { db: Database; log: Log; metrics: Metrics }) => ServiceParts;
}

export interface BackgroundPart {
  start?: () => void;
  /** Draining has begun: take up nothing new. Requests in flight may still need what is there. */
  pause?: () => void;
  /** The last request was answered: resolves when nothing is under way any more. */
  stop: () => void | Promise<void>;
}

export interface ServiceParts {
  endpoints: readonly Endpoint[];
  /** Background work and clients; stopped in this order, each before the database closes. */
  background?: readonly BackgroundPart[];
}

export interface RunningService {
  port: number;
  /** Resolves when the last request was answered and everything is closed; safe to call twice. */
  stop: () => Promise<void>;
}

const AUTH_WARNING = 'AUTH=off: everybody may do everything; for development only';

const notReadyBecause = (health: Health, isDraining: () => boolean): readonly string[] =>
  isDraining() ? ['draining', ...health.reasons()] : health.reasons();

function readiness(health: Health, isDraining: () => boolean, isOpen: boolean): Answer {
  const reasons = notReadyBecause(health, isDraining);
  const body = {
    status: reasons.length === 0 ? 'ready' : 'not-ready',
    ...(reasons.length > 0 ? { reasons } : {}),
    ...(isOpen ? { warnings: [AUTH_WARNING] } : {}),
  };
  return { ...okJson(JSON.stringify(body)), status: reasons.length === 0 ? 200 : 503 };
}

function authenticatorOf(
  { roles }: { roles: Roles },
  { auth }: ServiceSettings,
  log: Log,
): (req: Request) => Caller | Promise<Caller> {
  if (auth === 'off') return () => anyone;
  const denyList = watchDenyList(auth.denyFile, (error) =>
    log.error({ error }, 'AUTH_DENY_FILE cannot be read; what was read last stays denied'),
  );
  const secondsToWait = createRateLimit(auth.requestsPerSecond);
  return createAuthenticator(auth.issuers, roles, denyList, (subject) => {
    const seconds = secondsToWait(subject);
    if (seconds > 0)
      throw tooManyRequests(
        `At most ${auth.requestsPerSecond} requests a second; try again in a moment.`,
        seconds,
      );
  });
}

interface Built {
  app: Express;
  db: Database;
  health: Health;
  background: readonly BackgroundPart[];
}

async function build(
  definition: ServiceDefinition,
  settings: ServiceSettings,
  log: Log,
  { isDraining, makeSealer }: { isDraining: () => boolean; makeSealer: typeof createSealer },
): Promise<Built> {
  const db = openDatabase({
    url: settings.databaseUrl,
    poolMax: settings.poolMax,
    constraints: definition.constraints,
    onIdleError: (error) => log.warn({ error }, 'an idle connection to the database was lost'),
  });
  const health = watchDatabase({
    databaseUrl: settings.databaseUrl,
    prepare: db.warm,
    newestMigration: newestMigration(definition.migrations),
    log,
  });
  const version = await packageVersion();
  let inFlight = () => 0;
  const metrics = createMetrics({
    service: definition.name,
    version,
    revision: settings.revision,
    requestsInFlight: () => inFlight(),
    isReady: () => notReadyBecause(health, isDraining).length === 0,
    isDatabaseUp: health.isDatabaseUp,
    databaseLoad: db.load,
  });
  const { endpoints, background = [] } = definition.build({ db, log, metrics });
  requireDeclarations(endpoints, definition.roles);
  const document = JSON.stringify(
    openApiDocument(definition.title, version, definition.description, endpoints),
  );
  const ready = () => readiness(health, isDraining, settings.auth === 'off');
  const created = createApp({
    endpoints,
    open: {
      '/livez': () => okJson('{"status":"alive"}'),
      '/readyz': ready,
      '/healthz': ready,
      '/metrics': async () => ({
        status: 200,
        headers: { 'content-type': metrics.registry.contentType },
        body: await metrics.registry.metrics(),
      }),
      '/openapi.json': () => okJson(document),
      ...docsPage(definition.title),
    },
    authenticate: authenticatorOf(definition, settings, log),
    record: createRecorder(db).record,
    log,
    metrics: () => metrics,
    isDraining,
    isTrustedProxy: settings.isTrustedProxy,
    maxRequestsInFlight: settings.maxRequestsInFlight,
    maxRequestsAtWork: settings.maxRequestsAtWork,
  });
  inFlight = created.inFlight;
  const sealer = makeSealer({
    db,
    log,
    service: definition.name,
    key: settings.auditKey,
    ...auditMetrics(metrics.registry),
  });
  return { app: created.app, db, health, background: [...background, sweepKeys(db, log), sealer] };
}

/** Starts a service: it listens at once, and is ready when its database answers. Rejects when the port cannot be had. */
export async function startService(
  definition: ServiceDefinition,
  settings: ServiceSettings,
  log = createLog(definition.name, settings.logLevel),
  makeSealer = createSealer,
): Promise<RunningService> {
  let draining = false;
  const { app, db, health, background } = await build(definition, settings, log, {
    isDraining: () => draining,
    makeSealer,
  });
  const closeParts = async (): Promise<void> => {
    for (const part of [health, ...background, { stop: db.close }]) {
      try {
        await part.stop();
      } catch (error) {
        // The database may be away: what could not be ended well must not keep the rest from ending.
        log.warn({ error }, 'a part did not stop well');
      }
    }
  };
  const { server, port } = await listen({ ...settings, listener: app, messages: messagesOf(app) }).catch(
    async (error: unknown) => {
      await closeParts();
      throw error;
    },
  );
  if (settings.auth === 'off') log.warn({}, AUTH_WARNING);
  log.info({ port, host: settings.host }, 'listening');
  for (const part of background) part.start?.();

  let stopping: Promise<void> | undefined;
  return {
    port,
    stop: () => {
      draining = true;
      const pause = () => {
        for (const part of background) part.pause?.();
      };
      stopping ??= drain({ server, delayMs: settings.drainDelayMs, pause, close: closeParts, log });
      return stopping;
    },
  };
}
