import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import pg from 'pg';
import {
  applicationRole,
  asSuperuser,
  createMissing,
  type DatabaseName,
  databaseNames,
  ownerRole,
  superuser,
} from '../services/local/databases.ts';
import { freePort } from '../services/local/ports.ts';
import { startPostgres } from '../services/local/postgres.ts';

export interface Program {
  port: number;
  pid: number;
  stop: () => Promise<void>;
}

export interface System {
  patient: Program;
  doctor: Program;
  /** As the owners, to fill the tables and to look behind the API. */
  patientDb: pg.Client;
  doctorDb: pg.Client;
  databaseUrl: (service: DatabaseName) => string;
  stop: () => Promise<void>;
}

/** Three quarters of a pod's 256 MiB, which is what the images give to the heap. */
export const POD_HEAP = '--max-old-space-size=192';

/** Starts a program and waits for a line of its output. It is killed with us. */
export async function startProgram(
  command: readonly string[],
  env: Record<string, string>,
  port: number,
  ready: RegExp,
): Promise<Program> {
  const [program = '', ...args] = command;
  const child: ChildProcess = spawn(program, args, {
    env: { PATH: process.env.PATH, ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const readers: Interface[] = [];
  await new Promise<void>((resolve, reject) => {
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      const reader = createInterface(stream).on('line', (line) => {
        if (lines.length < 50) lines.push(line);
        if (ready.test(line)) resolve();
      });
      readers.push(reader);
    }
    child.once('exit', (code) =>
      reject(new Error(`${command.join(' ')} ended with ${code}:\n${lines.join('\n')}`)),
    );
    setTimeout(
      () => reject(new Error(`${command.join(' ')} was not ready in 30 s:\n${lines.join('\n')}`)),
      30_000,
    ).unref();
  });
  // From now on its lines are only taken away: reading each would cost the cores that are measured.
  for (const reader of readers) reader.close();
  child.stdout?.resume();
  child.stderr?.resume();
  return {
    port,
    pid: child.pid ?? 0,
    stop: async () => {
      process.off('exit', kill);
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Both services as processes, on an empty PostgreSQL of their own that goes when they go. */
export async function startSystem({
  node,
  services,
}: {
  node: readonly string[];
  services: string;
}): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), 'clinic-bench-'));
  await chmod(folder, 0o755);
  const server = await startPostgres({
    folder,
    settings: { max_connections: '200', shared_buffers: '512MB' },
  });
  process.once('exit', () => server.kill());
  // Told to stop, it must end as itself, so that what it started ends too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  await asSuperuser(server.url(superuser, 'postgres'), (client) => createMissing(client, server.passwordOf));

  const extension = services.endsWith('dist') ? 'js' : 'ts';
  const databaseUrl = (service: DatabaseName) => server.url(applicationRole(service), service);
  const start = async (service: DatabaseName, more: Record<string, string> = {}): Promise<Program> => {
    const main = join(services, service, `main.${extension}`);
    const env = {
      AUTH: 'off',
      DRAIN_DELAY_MS: '0',
      DATABASE_URL: databaseUrl(service),
      NODE_OPTIONS: POD_HEAP,
      ...more,
    };
    const migration = await startProgram(
      [...node, main, 'migrate'],
      { ...env, OWNER_DATABASE_URL: server.url(ownerRole(service), service) },
      0,
      /migrated|up to date/,
    );
    await migration.stop();
    return startProgram([...node, main], env, await freePort(), /"ready/);
  };
  const doctor = await start('doctor');
  const patient = await start('patient', { DOCTOR_SERVICE_URL: `http://127.0.0.1:${doctor.port}` });

  const [patientDb, doctorDb] = databaseNames.map(
    (service) => new pg.Client({ connectionString: server.url(ownerRole(service), service) }),
  );
  if (patientDb === undefined || doctorDb === undefined) throw new Error('there are two databases');
  await Promise.all([patientDb.connect(), doctorDb.connect()]);
  return {
    patient,
    doctor,
    patientDb,
    doctorDb,
    databaseUrl,
    stop: async () => {
      await patient.stop();
      await doctor.stop();
      await Promise.all([patientDb.end(), doctorDb.end()]);
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What the kernel counts of a process: its parent, and its CPU time in microseconds (Linux: /proc/<pid>/stat; elsewhere NaN). */
async function readStat(pid: number): Promise<{ parent: number; cpu: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // utime and stime, in ticks of 10 ms.
  return { parent: Number(fields[1]), cpu: (Number(fields[11]) + Number(fields[12])) * 10_000 };
}

export const cpuMicroseconds = async (pid: number): Promise<number> => (await readStat(pid)).cpu;

/** CPU time of the whole server that a connection leads to: of all processes that its postmaster has now. */
export async function serverCpuMicroseconds(db: pg.Client): Promise<number> {
  const { rows } = await db.query<{ pid: number }>('select pg_backend_pid() as pid');
  const { parent: postmaster } = await readStat(rows[0]?.pid ?? 0);
  const pids = (await readdir('/proc').catch(() => [])).map(Number).filter((pid) => pid > 0);
  const stats = await Promise.all(pids.map(readStat));
  return stats.reduce((sum, { parent, cpu }) => (parent === postmaster ? sum + cpu : sum), 0);
}
