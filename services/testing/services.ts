import { Writable } from 'node:stream';
import pg from 'pg';
import supertest from 'supertest';
import { doctorService } from '../doctor/app.ts';
import { patientService } from '../patient/app.ts';
import type { ServiceSettings } from '../shared/config/environment.ts';
import { type ServiceDefinition, startService } from '../shared/lifecycle/service.ts';
import { createLog } from '../shared/log/log.ts';
import { createDatabase } from './postgres.ts';

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

interface Options {
  settings?: Partial<ServiceSettings>;
  /** A database that another replica uses already. */
  database?: { url: string; ownerUrl: string };
}

const SETTINGS: Omit<ServiceSettings, 'databaseUrl'> = {
  port: 0,
  host: '127.0.0.1',
  poolMax: 10,
  auth: 'off',
  logLevel: 'info',
  drainDelayMs: 0,
  keepAliveTimeoutMs: 95_000,
  revision: 'test',
  maxRequestsInFlight: 256,
};

async function start(
  definition: ServiceDefinition,
  service: 'patient' | 'doctor',
  { settings = {}, database }: Options,
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
  );
  const url = `http://127.0.0.1:${running.port}`;
  const db = new pg.Client({ connectionString: ownerUrl });
  await db.connect();
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

/** The doctor service in this process. */
export const startDoctor = (options: Options = {}): Promise<TestService> =>
  start(doctorService(), 'doctor', options);

/** The patient service in this process, asking the doctor service at `doctorUrl`; nobody answers there by default. */
export const startPatient = ({
  doctorUrl = 'http://127.0.0.1:9',
  ...options
}: Options & { doctorUrl?: string } = {}): Promise<TestService> =>
  start(patientService({ doctorServiceUrl: doctorUrl }), 'patient', options);

/** Waits until `look` gives something, at most `timeoutMs`; the condition's last error is the reason of a failure. */
export async function eventually<Result>(look: () => Promise<Result>, timeoutMs = 10_000): Promise<Result> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
