import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeAuditKey } from '../../services/local/audit-key.ts';
import { type DatabaseName, databaseNames } from '../../services/local/databases.ts';
import { eventually } from '../../services/testing/eventually.ts';
import { openCaller } from '../../services/testing/load.ts';
import { startProxy, type TcpProxy } from '../../services/testing/tcp-proxy.ts';
import { httpWire, type Wire } from '../../services/testing/wire.ts';
import { awakeMs } from './awake.ts';
import { type Server, startServer } from './database.ts';
import { type Replica, startReplica } from './replica.ts';

/** A way from a replica to what it needs. */
export interface Way {
  name: string;
  proxy: TcpProxy;
}

/** Both services, two processes each, on a database server each, with a proxy on each way that faults are to happen on. */
export interface System {
  servers: Readonly<Record<DatabaseName, Server>>;
  patients: readonly Replica[];
  doctors: readonly Replica[];
  replicas: readonly Replica[];
  ways: readonly Way[];
  /** The ways to the doctor service alone. */
  waysToDoctor: readonly Way[];
  /** The signed checkpoints of the audit trails, by service. */
  evidence: Readonly<Record<DatabaseName, string[]>>;
  /** Lines of the services' logs that tell of a defect: an answer 500. */
  defects: readonly string[];
  /** What ended without being killed. */
  deaths: readonly string[];
  /** Ends every fault; resolves when all processes are ready. */
  heal: () => Promise<void>;
  stop: () => Promise<void>;
}

const REPLICAS = [1, 2];
const HOUR_MS = 3_600_000;
const READY_DEADLINE_MS = 60_000;

/** Whatever passes, uncut: to know the messages of PostgreSQL would take more of the machine than the services do. */
const bytesWire = (): Wire => {
  const part = (bytes: Buffer) => [
    { bytes, exchange: 'bytes', isFirst: true, isDecided: true, isAnswerOwed: false },
  ];
  return { ask: part, answer: part };
};

const requireReady = async (port: number): Promise<void> => {
  const { call, close } = openCaller(`http://127.0.0.1:${port}`, 1, 2_000);
  try {
    const { status } = await call('GET', '/readyz');
    if (status !== 200) throw new Error(`not ready: ${status}`);
  } finally {
    void close();
  }
};

export interface SystemOptions {
  /** The service whose database is on a volume that can be filled up, if any. */
  fillable: DatabaseName | undefined;
  /** Without faults on the ways to the databases the services go there directly: a proxy takes time on the same cores. */
  hasWaysToDatabases: boolean;
  log: (line: string) => void;
}

export async function startSystem({ fillable, hasWaysToDatabases, log }: SystemOptions): Promise<System> {
  // Told to stop, it must end as itself, so that what it started ends too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const folder = await mkdtemp(join(tmpdir(), 'clinic-faults-'));
  await chmod(folder, 0o755);
  const toDatabases: Record<DatabaseName, Way[]> = { patient: [], doctor: [] };
  const waysToDoctor: Way[] = [];
  const deaths: string[] = [];
  const defects: string[] = [];
  const evidence: Record<DatabaseName, string[]> = { patient: [], doctor: [] };
  const ports: Record<DatabaseName, number> = { patient: 0, doctor: 0 };

  const [patientServer, doctorServer] = await Promise.all(
    databaseNames.map((service) =>
      startServer({
        service,
        folder,
        onVolume: service === fillable,
        log,
        onStart: (port) => {
          ports[service] = port;
          for (const { proxy } of toDatabases[service]) proxy.retarget(port);
        },
      }),
    ),
  );
  if (patientServer === undefined || doctorServer === undefined) throw new Error('there are two databases');
  const servers = { patient: patientServer, doctor: doctorServer };
  const auditKey = await makeAuditKey(folder);

  const start = async (service: DatabaseName, index: number): Promise<Replica> => {
    const name = `${service} ${index}`;
    const url = new URL(servers[service].applicationUrl());
    if (hasWaysToDatabases) {
      const proxy = await startProxy(bytesWire, ports[service]);
      toDatabases[service].push({ name: `${name} to its database`, proxy });
      url.port = String(proxy.port);
    }
    const toDoctor = waysToDoctor[index - 1]?.proxy;
    return startReplica({
      name,
      service,
      variables: () => ({
        DATABASE_URL: url.href,
        AUDIT_KEY_FILE: auditKey,
        CLOCK_JUMP_MS: String(index % 2 === 0 ? HOUR_MS : -HOUR_MS),
        ...(service === 'patient' && { DOCTOR_SERVICE_URL: `http://127.0.0.1:${toDoctor?.port}` }),
      }),
      // Each process of the patient service asks its own of the doctor service.
      onStart: (port) => void (service === 'doctor' && waysToDoctor[index - 1]?.proxy.retarget(port)),
      onLine: (line) => {
        if (line.includes('"checkpoint"') || line.includes('"auditKey"')) evidence[service].push(line);
        if (line.includes('"status":500')) defects.push(line);
      },
      onEnd: (what) => void deaths.push(what),
    });
  };
  for (const index of REPLICAS)
    waysToDoctor.push({ name: `patient ${index} to doctor ${index}`, proxy: await startProxy(httpWire, 9) });
  const doctors = await Promise.all(REPLICAS.map((index) => start('doctor', index)));
  const patients = await Promise.all(REPLICAS.map((index) => start('patient', index)));
  const ways = [...waysToDoctor, ...toDatabases.patient, ...toDatabases.doctor];
  const replicas = [...patients, ...doctors];

  return {
    servers,
    patients,
    doctors,
    replicas,
    ways,
    waysToDoctor,
    evidence,
    defects,
    deaths,
    heal: async () => {
      for (const { volume } of Object.values(servers)) volume?.free();
      await Promise.all(Object.values(servers).map((server) => server.revive()));
      for (const { proxy } of ways) await proxy.pass();
      for (const replica of replicas) {
        replica.process().resume();
        await eventually(() => requireReady(replica.process().port), READY_DEADLINE_MS, awakeMs);
      }
    },
    stop: async () => {
      await Promise.all(replicas.map((replica) => replica.stop()));
      await Promise.all(ways.map(({ proxy }) => proxy.close()));
      await Promise.all(Object.values(servers).map((server) => server.stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
