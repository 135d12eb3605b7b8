import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram, startProgram } from './child.ts';
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
import type { Parts } from './parts.ts';
import { startPostgres } from './postgres.ts';

type Databases = Readonly<Record<DatabaseName, DatabaseUrls>>;

const loopback = (port: number): string => `http://127.0.0.1:${port}`;

/** Starts every part in the order in which they need each other, and resolves when the gateway takes requests. */
export async function startParts(config: Config, parts: Parts, signal: AbortSignal): Promise<void> {
  const databases = await startDatabases(config, parts, signal);
  await Promise.all(databaseNames.map((name) => migrate(name, config, databases, signal)));
  startService('doctor', config, databases, parts);
  startService('patient', config, databases, parts);
  await Promise.all([config.ports.DOCTOR_PORT, config.ports.PATIENT_PORT].map((port) => untilReady(port, signal)));

  const routes = readRoutes(await readFile(new URL('../../k8s/base/ingress.yaml', import.meta.url), 'utf8'));
  const addresses = new Map([
    ['patient:http', loopback(config.ports.PATIENT_PORT)],
    ['doctor:http', loopback(config.ports.DOCTOR_PORT)],
  ]);
  const gateway = await startGateway({
    port: config.ports.PORT,
    routes,
    addressOf: (service, port) => {
      const address = addresses.get(`${service}:${port}`);
      if (!address) throw new Error(`The Ingress names ${service}:${port}, which does not run here.`);
      return address;
    },
  });
  parts.add({ name: 'gateway', ...gateway });
}
