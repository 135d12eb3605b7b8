import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { migrate } from '../shared/db/migrate.ts';
import { untilReady } from './api-client.ts';
import { makeAuditKey } from './audit-key.ts';
import { CannotStart } from './cannot-start.ts';
import { startProgram } from './child.ts';
import type { Config, DatabaseUrls } from './config.ts';
import {
  applicationRole,
  asSuperuser,
  createMissing,
  type DatabaseName,
  databaseNames,
  ownerRole,
  superuser,
} from './databases.ts';
import { startGateway } from './gateway.ts';
import { readRoutes } from './ingress.ts';
import { keepServiceToken, makeLocalIssuer } from './issuer.ts';
import type { Part, Parts } from './parts.ts';
import { startPostgres } from './postgres.ts';

type Databases = ReadonlyMap<DatabaseName, DatabaseUrls>;

export const loopback = (port: number): string => `http://127.0.0.1:${port}`;

/** Starts every part in the order in which they need each other; resolves when the gateway takes requests. */
export async function startParts(config: Config, parts: Parts, signal: AbortSignal): Promise<void> {
  const { PORT, PATIENT_PORT, DOCTOR_PORT } = config.ports;
  const databases = await startDatabases(config, parts, signal);
  await Promise.race([migrateAll(databases), aborted(signal)]);

  const auditKeyFile = await makeAuditKey(config.dataFolder);
  const auth = config.auth ? await tokenSettings(config, parts) : { AUTH: 'off' };
  const service = (name: DatabaseName, port: number): Part =>
    startProgram({
      name,
      script: `../${name}/main.ts`,
      logLevel: config.logLevel,
      watch: config.watch,
      env: {
        ...config.inherited,
        PORT: String(port),
        HOST: '127.0.0.1',
        DATABASE_URL: databases.get(name)?.url,
        DOCTOR_SERVICE_URL: loopback(DOCTOR_PORT),
        ...auth,
        AUDIT_KEY_FILE: auditKeyFile,
        LOG_LEVEL: config.logLevel,
        // Nobody routes to us from afar who would have to be told first.
        DRAIN_DELAY_MS: '0',
      },
    });
  parts.add(service('doctor', DOCTOR_PORT));
  parts.add(service('patient', PATIENT_PORT));
  await Promise.all([DOCTOR_PORT, PATIENT_PORT].map((port) => untilReady(loopback(port), signal)));

  parts.add(await openGateway(PORT, { patient: PATIENT_PORT, doctor: DOCTOR_PORT }));
}

/** Lets in who has a token of this machine's issuer. */
async function tokenSettings({ dataFolder }: Config, parts: Parts): Promise<Record<string, string>> {
  const issuer = await makeLocalIssuer(dataFolder);
  const { stop } = await keepServiceToken(issuer);
  parts.add({ name: 'service token', stop: async () => stop(), kill: stop });
  return {
    AUTH: 'jwt',
    AUTH_ISSUERS_FILE: issuer.issuersFile,
    DOCTOR_SERVICE_TOKEN_FILE: issuer.serviceTokenFile,
  };
}

async function startDatabases(
  { given, dataFolder }: Config,
  parts: Parts,
  signal: AbortSignal,
): Promise<Databases> {
  const theirs = databaseNames.flatMap((name) => {
    const urls = given.get(name);
    return urls ? [[name, urls] as const] : [];
  });
  if (theirs.length === databaseNames.length) return new Map(theirs);
  const server = await startPostgres({ folder: dataFolder, signal });
  parts.add({ name: 'PostgreSQL', ...server });
  await asSuperuser(server.url(superuser, 'postgres'), (client) => createMissing(client, server.passwordOf));
  const ours = databaseNames.map((name) => {
    const urls = {
      url: server.url(applicationRole(name), name),
      ownerUrl: server.url(ownerRole(name), name),
    };
    return [name, urls] as const;
  });
  return new Map([...ours, ...theirs]);
}

/** In this process, unlike in the cluster: two processes more would take a quarter of the time that a start takes. */
async function migrateAll(databases: Databases): Promise<void> {
  await Promise.all(
    [...databases].map(([name, { url, ownerUrl }]) =>
      migrate({
        ownerUrl,
        applicationRole: decodeURIComponent(new URL(url).username),
        directory: fileURLToPath(new URL(`../${name}/migrations`, import.meta.url)),
        log: (message) => console.log(`[${name}] ${message}`),
      }).catch((error: Error) => {
        throw new CannotStart(
          `The database of the ${name} service cannot be migrated (${error.message}): check ${name.toUpperCase()}_OWNER_DATABASE_URL.`,
          { cause: error },
        );
      }),
    ),
  );
}

/** Rejects when the signal is aborted. */
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

async function openGateway(port: number, servicePorts: Readonly<Record<string, number>>) {
  const routes = readRoutes(await readFile(new URL('../../k8s/base/ingress.yaml', import.meta.url), 'utf8'));
  const addressOf = (service: string, portName: string): string => {
    const servicePort = servicePorts[service];
    if (servicePort === undefined || portName !== 'http') {
      throw new Error(`The Ingress routes to ${service}:${portName}, which does not run here.`);
    }
    return loopback(servicePort);
  };
  return { name: 'gateway', ...(await startGateway({ port, routes, addressOf })) };
}
