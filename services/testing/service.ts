import { Writable } from 'node:stream';
import type pg from 'pg';
import supertest from 'supertest';
import type { ServiceSettings } from '../shared/config/environment.ts';
import { type ServiceDefinition, startService } from '../shared/lifecycle/service.ts';
import { createLog } from '../shared/log/log.ts';
import { connectAsOwner, createDatabase } from './postgres.ts';

/** A running service on a database of its own. */
export interface TestService {
  url: string;
  port: number;
  api: ReturnType<typeof supertest.agent>;
  /** Connected as the owner, to look behind the API. */
  db: pg.Client;
  databaseUrl: string;
  ownerUrl: string;
  /** Every line that was logged. */
  logged: () => string;
  stop: () => Promise<void>;
}

export interface TestServiceOptions {
  settings?: Partial<ServiceSettings>;
  /** A database that another replica uses already. */
  database?: { url: string; ownerUrl: string };
}

const SETTINGS: Omit<ServiceSettings, 'databaseUrl'> = {
  port: 0,
  host: '127.0.0.1',
  poolMax: 10,
  auth: 'off',
  auditKey: undefined,
  isTrustedProxy: () => false,
  logLevel: 'info',
  drainDelayMs: 0,
  keepAliveTimeoutMs: 95_000,
  revision: 'test',
  maxRequestsInFlight: 256,
  maxRequestsAtWork: 40,
};

/** Tests that hold or count what goes to the database mean their own requests; those about sealing start a sealer. */
const neverSealing = () => ({ start: () => undefined, stop: async () => undefined });

/** Starts a service in this process; `service` tells whose schema its database has. */
export async function startTestService(
  definition: ServiceDefinition,
  service: 'patient' | 'doctor',
  { settings = {}, database }: TestServiceOptions = {},
): Promise<TestService> {
  const own = database === undefined ? await createDatabase(service) : undefined;
  const { url: databaseUrl, ownerUrl } = database ?? own ?? { url: '', ownerUrl: '' };
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  const running = await startService(
    definition,
    { ...SETTINGS, databaseUrl, ...settings },
    createLog(service, 'debug', sink),
    neverSealing,
  );
  const url = `http://127.0.0.1:${running.port}`;
  const db = await connectAsOwner({ ownerUrl });
  let stopped = false;
  return {
    url,
    port: running.port,
    api: supertest.agent(url),
    db,
    databaseUrl,
    ownerUrl,
    logged: () => lines.join(''),
    stop: async () => {
      if (stopped) return;
      stopped = true;
      await running.stop();
      await db.end();
      await own?.drop();
    },
  };
}
