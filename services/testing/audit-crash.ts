import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { applicationRole, asSuperuser, createMissing, ownerRole, superuser } from '../local/databases.ts';
import { type PostgresServer, startPostgres } from '../local/postgres.ts';
import { readEvidence } from '../shared/audit/evidence.ts';
import { type Verification, verifyTrail } from '../shared/audit/verify.ts';
import { migrate } from '../shared/db/migrate.ts';
import { connectTo, onClient } from './audit-trail.ts';
import { at, seedPatients } from './clinic.ts';
import { eventually } from './eventually.ts';
import { openCaller } from './load.ts';
import { type ServiceProcess, startProcess } from './process.ts';

const CLIENTS = 8;
const DATABASE = 'patient';

export interface CrashResult {
  /** How many requests were answered 2xx. */
  answered: number;
  /** Those of them that have no event, or several. */
  wrong: readonly string[];
  verification: Verification;
}

/** One request of those that a clinic makes: a read, a list, a change, a booking. */
function aRequest(patientIds: readonly string[], n: number): ['GET' | 'PATCH' | 'POST', string, object?] {
  const id = patientIds[n % patientIds.length] ?? '';
  if (n % 4 === 0) return ['GET', `/patients/${id}`];
  if (n % 4 === 1) return ['GET', '/patients?limit=5'];
  if (n % 4 === 2) return ['PATCH', `/patients/${id}`, { phone: `+1 555 ${1000 + (n % 9000)}` }];
  const startsAt = at(2 + (n % 300), `${String(n % 24).padStart(2, '0')}:00`);
  return ['POST', '/appointments', { patientId: id, doctorId: randomUUID(), startsAt, durationMinutes: 5 }];
}

/** Asks until `isOver`, and adds the request ids of all that was answered 2xx. */
async function load(
  url: string,
  patientIds: readonly string[],
  answered: Set<string>,
  isOver: () => boolean,
) {
  const caller = openCaller(url, CLIENTS);
  let n = Math.floor(Math.random() * 10_000);
  const client = async (): Promise<void> => {
    while (!isOver()) {
      n += 1;
      const [method, path, body] = aRequest(patientIds, n);
      const requestId = randomUUID();
      try {
        const { status } = await caller.call(method, path, body, { 'x-request-id': requestId });
        if (status >= 200 && status < 300) answered.add(requestId);
      } catch {
        // It was cut off: nobody knows what came of it.
        await sleep(20);
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  await caller.close().catch(() => undefined);
}

/** SIGKILL of a server process: the server cuts off all others, and recovers from its log, as after its own crash. */
async function crashDatabase(server: PostgresServer): Promise<void> {
  await asSuperuser(server.url(superuser, DATABASE), async (client) => {
    client.on('error', () => undefined);
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    process.kill(rows[0]?.pid ?? 0, 'SIGKILL');
    await client.query('select 1').catch(() => undefined);
  }).catch(() => undefined);
}

/** Kills the patient service and its database in turn, while clients ask, and looks for the event of every 2xx that they saw. */
export async function crash(cycles: number): Promise<CrashResult> {
  const folder = await mkdtemp(join(tmpdir(), 'clinic-crash-'));
  await chmod(folder, 0o755);
  const server = await startPostgres({ folder });
  const lines: string[] = [];
  const answered = new Set<string>();
  let service: ServiceProcess | undefined;
  try {
    await asSuperuser(server.url(superuser, 'postgres'), (client) =>
      createMissing(client, server.passwordOf),
    );
    const ownerUrl = server.url(ownerRole(DATABASE), DATABASE);
    const directory = join(import.meta.dirname, '../patient/migrations');
    const log = () => undefined;
    await migrate({ ownerUrl, directory, applicationRole: applicationRole(DATABASE), log });
    const owner = await connectTo(ownerUrl);
    const patientIds = await seedPatients({ db: owner }, 50);
    await owner.end();
    const start = () =>
      startProcess(
        'patient',
        {
          DATABASE_URL: server.url(applicationRole(DATABASE), DATABASE),
          DOCTOR_SERVICE_URL: 'http://127.0.0.1:9',
        },
        (line) => void lines.push(line),
      );
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      service ??= await start();
      let isOver = false;
      const loading = load(service.url, patientIds, answered, () => isOver);
      await sleep(700 + Math.random() * 600);
      if (cycle % 2 === 0) {
        await service.kill();
        service = undefined;
      } else await crashDatabase(server);
      isOver = true;
      await loading;
    }
    service ??= await start();
    return await lookFor(ownerUrl, answered, lines);
  } finally {
    await service?.stop();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function lookFor(
  ownerUrl: string,
  answered: ReadonlySet<string>,
  lines: readonly string[],
): Promise<CrashResult> {
  const client = await eventually(() => connectTo(ownerUrl), 30_000);
  try {
    const verification = await eventually(async () => {
      const found = await verifyTrail(
        onClient(client),
        readEvidence(lines, 'patient', undefined).checkpoints,
      );
      if (found.ok && found.proven < found.entries) throw new Error('not everything is proven yet');
      return found;
    }, 30_000);
    const { rows } = await client.query<{ id: string; events: number }>(
      'select request_id as id, count(*)::integer as events from audit_events group by request_id',
    );
    const events = new Map(rows.map(({ id, events }) => [id, events]));
    const wrong = [...answered].filter((id) => events.get(id) !== 1);
    return { answered: answered.size, wrong, verification };
  } finally {
    await client.end();
  }
}
