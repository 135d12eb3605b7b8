import type pg from 'pg';
import { type Client, createClient, type Told } from './client.ts';
import { invariantsBroken, seedDoctor, seedPatient } from './clinic.ts';
import { deadlocksIn } from './deadlocks.ts';
import { eventually } from './eventually.ts';
import { connectAsOwner, createDatabase, type TestDatabase } from './postgres.ts';
import { killProcesses, type ServiceProcess, startProcess } from './process.ts';
import { startDoctor, startPatient } from './services.ts';
import { type Exchange, startProxy, type TcpProxy } from './tcp-proxy.ts';
import { httpWire, postgresWire } from './wire.ts';

/** A replica of the patient service, with a proxy on its way to everything it needs. */
export interface PatientReplica {
  url: string;
  toDatabase: TcpProxy;
  toDoctor: TcpProxy;
}

/** A replica that is a process of its own and can die. */
export type PatientProcess = PatientReplica & ServiceProcess;

export interface DoctorReplica {
  url: string;
  port: number;
  toDatabase: TcpProxy;
}

export type DoctorProcess = DoctorReplica & ServiceProcess;

/** Who is to be booked. */
export interface Pair {
  patientId: string;
  doctorId: string;
}

/** An appointment and its reservations, as both databases have them. */
export interface Booking {
  id: string;
  status: string;
  startsAt: string;
  revision: number;
  isSettled: boolean;
  /** By revision: `1 active`, `2 refused slot-taken`. */
  reservations: string[];
}

const through = (url: string, { port }: TcpProxy): string => Object.assign(new URL(url), { port }).href;

/** Both databases, and as many replicas of both services as a test asks for. A test that kills the doctor's database brings its own. */
export async function openTwoSides(ownDoctorDatabase?: TestDatabase) {
  const patientDatabase = await createDatabase('patient');
  const doctorDatabase = ownDoctorDatabase ?? (await createDatabase('doctor'));
  const patient = { db: await connectAsOwner(patientDatabase) };
  const doctor = { db: await connectAsOwner(doctorDatabase) };
  const client: Client = createClient();
  const proxies: TcpProxy[] = [];
  const stops: (() => Promise<unknown>)[] = [];
  const waysToDoctor: TcpProxy[] = [];
  const doctorPorts: number[] = [];
  const toldBroken = new Set<string>();
  const newestDoctor = () => doctorPorts.at(-1) ?? 0;

  const proxyTo = async (wire: typeof httpWire, port: number): Promise<TcpProxy> => {
    const proxy = await startProxy(wire, port);
    proxies.push(proxy);
    return proxy;
  };
  const proxyToDatabase = ({ url }: TestDatabase) => proxyTo(postgresWire, Number(new URL(url).port));
  const waysOfPatient = async () => {
    const toDoctor = await proxyTo(httpWire, newestDoctor());
    waysToDoctor.push(toDoctor);
    return { toDatabase: await proxyToDatabase(patientDatabase), toDoctor };
  };

  const sides = {
    client,
    patient,
    doctor,

    /** A doctor service in this process; questions go there from now on. */
    startDoctor: async (): Promise<DoctorReplica> => {
      const toDatabase = await proxyToDatabase(doctorDatabase);
      const { ownerUrl, url } = doctorDatabase;
      const service = await startDoctor({ database: { url: through(url, toDatabase), ownerUrl } });
      stops.push(service.stop);
      sides.askDoctorAt(service);
      return { url: service.url, port: service.port, toDatabase };
    },
    startDoctorProcess: async (): Promise<DoctorProcess> => {
      const toDatabase = await proxyToDatabase(doctorDatabase);
      const process = await startProcess('doctor', { DATABASE_URL: through(doctorDatabase.url, toDatabase) });
      sides.askDoctorAt(process);
      return { ...process, toDatabase };
    },
    /** Where the doctor service is from now on, for every replica of the patient service. */
    askDoctorAt: ({ port }: { port: number }): void => {
      doctorPorts.push(port);
      sides.askDoctorAgain();
    },

    /** After questions went to somebody else. */
    askDoctorAgain: (): void => {
      for (const way of waysToDoctor) way.retarget(newestDoctor());
    },

    startPatient: async (): Promise<PatientReplica> => {
      const ways = await waysOfPatient();
      const { ownerUrl, url } = patientDatabase;
      const service = await startPatient({
        doctorUrl: `http://127.0.0.1:${ways.toDoctor.port}`,
        database: { url: through(url, ways.toDatabase), ownerUrl },
      });
      stops.push(service.stop);
      return { url: service.url, ...ways };
    },
    startPatientProcess: async (): Promise<PatientProcess> => {
      const ways = await waysOfPatient();
      const process = await startProcess('patient', {
        DATABASE_URL: through(patientDatabase.url, ways.toDatabase),
        DOCTOR_SERVICE_URL: `http://127.0.0.1:${ways.toDoctor.port}`,
      });
      return { ...process, ...ways };
    },
    /** A proxy between a client and a service. */
    proxyToService: ({ url }: { url: string }) => proxyTo(httpWire, Number(new URL(url).port)),

    /** A new patient, and a new doctor who works around the clock. */
    seedPair: async (): Promise<Pair> => ({
      patientId: await seedPatient(patient),
      doctorId: await seedDoctor(doctor),
    }),
    book: ({ url }: { url: string }, pair: Pair, time: object, key?: string): Promise<Told> =>
      client.post(url, '/appointments', { ...pair, ...time }, key),
    /** All that both sides know of a patient's appointments, by start. */
    bookingsOf: (patientId: string) => readBookings(patient.db, doctor.db, patientId),
    /** Makes every waiting revision due: backoff is no part of what is tested. */
    hurry: () =>
      patient.db.query(
        'update appointments set next_try_at = now(), tries = 0 where answered_revision < revision',
      ),
    /** Ends the 15 seconds that a key is left to the request that made it. */
    endLease: () =>
      patient.db.query(`update idempotency_keys set created_at = created_at - interval '16 seconds'`),

    /** Resolves when no revision waits for the doctor service; that may take 10 seconds. */
    untilSettled: () =>
      eventually(async () => {
        const { rowCount } = await patient.db.query(
          'select from appointments where answered_revision < revision and contradiction is null',
        );
        if (rowCount !== 0) throw new Error(`${rowCount} appointments are not settled`);
      }),
    /** Mends every way, waits until everything is settled, and tells what does not hold and was not told before. */
    whatIsBroken: async (): Promise<string[]> => {
      await Promise.all(proxies.map((proxy) => proxy.pass()));
      await sides.hurry();
      await sides.untilSettled();
      const broken = [
        ...(await invariantsBroken(patient, doctor)),
        ...(await client.lies(patient.db)),
        ...answeredTwoWays(
          waysToDoctor
            .flatMap(({ exchanges }) => exchanges)
            .filter(({ target }) => doctorPorts.includes(target)),
        ),
      ].filter((each) => !toldBroken.has(each));
      for (const each of broken) toldBroken.add(each);
      return broken;
    },

    /** Stops the replicas of this process, and kills the others. */
    stopReplicas: async (): Promise<void> => {
      await killProcesses();
      for (const stop of stops.splice(0).toReversed()) await stop();
    },

    /** Ends everything; tells how many deadlocks the databases have seen. */
    close: async (): Promise<number> => {
      await sides.stopReplicas();
      await client.close();
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await Promise.all([patient.db.end(), doctor.db.end()]);
      const deadlocks = (await deadlocksIn(patientDatabase)) + (await deadlocksIn(doctorDatabase));
      await Promise.all([patientDatabase.drop(), doctorDatabase.drop()]);
      return deadlocks;
    },
  };
  return sides;
}

export type TwoSides = Awaited<ReturnType<typeof openTwoSides>>;

async function readBookings(
  patientDb: pg.Client,
  doctorDb: pg.Client,
  patientId: string,
): Promise<Booking[]> {
  const { rows } = await patientDb.query<Omit<Booking, 'reservations'>>(
    `select id, status, starts_at as "startsAt", revision, answered_revision = revision as "isSettled"
       from appointments where patient_id = $1 order by starts_at, id`,
    [patientId],
  );
  const { rows: reservations } = await doctorDb.query<{ id: string; text: string }>(
    `select appointment_id as id, concat_ws(' ', revision, state, reason) as text
       from reservations where appointment_id = any($1) order by revision`,
    [rows.map(({ id }) => id)],
  );
  return rows.map((row) => ({
    ...row,
    startsAt: new Date(row.startsAt).toISOString(),
    reservations: reservations.filter(({ id }) => id === row.id).map(({ text }) => text),
  }));
}

/** Revisions that were both granted and refused, by every answer that passed a proxy. */
function answeredTwoWays(exchanges: readonly Exchange[]): string[] {
  const answers = new Map<string, 'granted' | 'refused'>();
  const twice: string[] = [];
  for (const { name, answer = '' } of exchanges) {
    if (!/^PUT \S+ revision \d+$/.test(name)) continue;
    const isRefused = /^409 (?!superseded|revision-mismatch)/.test(answer);
    if (!isRefused && !/^20[01]$/.test(answer)) continue;
    const said = isRefused ? 'refused' : 'granted';
    if ((answers.get(name) ?? said) !== said) twice.push(`${name} was granted and refused`);
    answers.set(name, said);
  }
  return twice;
}
