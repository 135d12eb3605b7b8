import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import { type People, seedPeople } from './access-world.ts';
import { connectAsOwner, createDatabase } from './postgres.ts';
import { startProcess } from './process.ts';
import { startProxy } from './tcp-proxy.ts';
import { createIssuer } from './tokens.ts';
import { httpWire } from './wire.ts';

/** A service as a process of its own, and its database. */
export interface Side {
  url: string;
  db: pg.Client;
}

/** Both services as they run in production, with `AUTH=jwt`; all that they say is kept. */
export interface AccessProcesses extends People {
  patient: Side;
  doctor: Side;
  /** Standard output and error of both. */
  output: () => string;
  /** Every byte that the patient service has sent to the doctor service. */
  sentToDoctor: () => string;
  /** Ends both services; their databases stay until `remove`. */
  stop: () => Promise<void>;
  remove: () => Promise<void>;
}

/** @param issuers more entries for AUTH_ISSUERS_FILE, beside that of the people's tokens */
export async function startAccessProcesses(issuers: readonly object[] = []): Promise<AccessProcesses> {
  const folder = mkdtempSync(path.join(tmpdir(), 'access-'));
  const fileWith = (name: string, content: string): string => {
    const file = path.join(folder, name);
    writeFileSync(file, content);
    return file;
  };
  const issuer = await createIssuer();
  const said: string[] = [];
  const start = (
    service: 'patient' | 'doctor',
    databaseUrl: string,
    variables: Readonly<Record<string, string>> = {},
  ) =>
    startProcess(
      service,
      {
        DATABASE_URL: databaseUrl,
        AUTH: 'jwt',
        AUTH_ISSUERS_FILE: issuersFile,
        MAX_REQUESTS_PER_SECOND: '100000',
        LOG_LEVEL: 'trace',
        ...variables,
      },
      (line) => said.push(`${line}\n`),
      (text) => said.push(text),
    );
  const issuersFile = fileWith('issuers.json', JSON.stringify([issuer.entry, ...issuers]));
  const databases = { patient: await createDatabase('patient'), doctor: await createDatabase('doctor') };
  const doctor = await start('doctor', databases.doctor.url);
  const sent: Buffer[] = [];
  const recording = () => {
    const wire = httpWire();
    const ask = (bytes: Buffer) => {
      sent.push(bytes);
      return wire.ask(bytes);
    };
    return { ...wire, ask };
  };
  const toDoctor = await startProxy(recording, doctor.port);
  const patient = await start('patient', databases.patient.url, {
    DOCTOR_SERVICE_URL: `http://127.0.0.1:${toDoctor.port}`,
    DOCTOR_SERVICE_TOKEN_FILE: fileWith('token', await issuer.sign({ role: 'service', sub: 'patient' })),
  });
  const sides = {
    patient: { url: patient.url, db: await connectAsOwner(databases.patient) },
    doctor: { url: doctor.url, db: await connectAsOwner(databases.doctor) },
  };
  return {
    ...sides,
    ...(await seedPeople(issuer, sides)),
    output: () => said.join(''),
    sentToDoctor: () => Buffer.concat(sent).toString(),
    stop: async () => {
      await Promise.all([patient.stop(), doctor.stop()]);
      await toDoctor.close();
    },
    remove: async () => {
      for (const side of ['patient', 'doctor'] as const) {
        await sides[side].db.end();
        await databases[side].drop();
      }
      rmSync(folder, { recursive: true });
    },
  };
}
