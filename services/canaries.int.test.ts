import { type AccessProcesses, type Side, startAccessProcesses } from './testing/access-processes.ts';
import { DOCTOR_ROUTES, PATIENT_ROUTES } from './testing/access-routes.ts';
import { type Pair, ROLES, type Role } from './testing/access-world.ts';
import { type BadRequest, badRequests, type Operation } from './testing/bad-requests.ts';
import { CANARIES, CANARY_MEMBERS, canariesIn, type Marked } from './testing/canaries.ts';
import { seedDoctor, seedPatient } from './testing/clinic.ts';
import { rowsOf, tablesOf } from './testing/rows.ts';

/** What a walk over every route has seen. */
interface Seen {
  /** By route, the classes of its statuses. */
  statuses: Map<string, Set<number>>;
  /** Canaries in what answers say that are no data: problems, and headers. */
  told: string[];
}

type Document = { paths: Record<string, Record<string, Operation>> };
type Routes = typeof PATIENT_ROUTES;

const SERVICES: readonly [Marked, Routes][] = [
  ['patient', PATIENT_ROUTES],
  ['doctor', DOCTOR_ROUTES],
];

let world: AccessProcesses;
let documents: Record<Marked, Document>;
const seen: Seen = { statuses: new Map(), told: [] };
let metrics: string;

const documentOf = async ({ url }: Side) => (await (await fetch(`${url}/openapi.json`)).json()) as Document;
const operationOf = (service: Marked, route: string): Operation => {
  const [method = '', path = ''] = route.split(' ');
  const operation = documents[service].paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
  if (operation === undefined) throw new Error(`${route} is in no document`);
  return operation;
};

/** A problem without the names of members and parameters, which tell its sender what the sender has called so. */
const withoutNames = (text: string): string =>
  text.replace(/"(pointer|parameter)":"(?:[^"\\]|\\.)*"/g, '"$1":"…"');

async function ask(service: Marked, route: string, request: BadRequest, token: string): Promise<void> {
  const { path, method = route.split(' ')[0] ?? '', headers = {}, body, isName = false } = request;
  const answer = await fetch(`${world[service].url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    signal: AbortSignal.timeout(10_000),
    ...(body === undefined || method === 'GET' ? {} : { body: new Uint8Array(Buffer.from(body)) }),
  });
  const text = await answer.text();
  const classes = seen.statuses.get(route) ?? new Set();
  seen.statuses.set(route, classes.add(Math.floor(answer.status / 100)));
  const isProblem = answer.headers.get('content-type') === 'application/problem+json';
  if (answer.status >= 400 && !isProblem)
    seen.told.push(`${route} answers ${answer.status} without a problem`);
  const words = [...answer.headers].join('\n') + (isProblem ? (isName ? withoutNames(text) : text) : '');
  seen.told.push(...canariesIn(words).map((where) => `${route} ${answer.status}: ${where}`));
}

/** A good request of a role, whose members have canaries. */
function marked(routes: Routes, route: string, pair: Pair, role: Role) {
  const request = routes[route]?.[1](pair);
  if (request === undefined) throw new Error(`${route} is not in the table`);
  const { path, body, type = 'application/json' } = request;
  const members = CANARY_MEMBERS[route]?.(role);
  const whole = body === undefined && members === undefined ? undefined : { ...body, ...members };
  const sent = whole && { body: JSON.stringify(whole), headers: { 'content-type': type } };
  return { path, whole, sent: { path, ...sent } };
}

/** The states in which a booked appointment is not, and in which an action is allowed. */
const STATE_BEFORE: Readonly<Record<string, string>> = {
  'POST /appointments/:id/start': 'arrived',
  'POST /appointments/:id/complete': 'in-progress',
  'POST /appointments/:id/undo': 'arrived',
};

/** The own, another's, and one of a patient and a doctor who have nothing to come and can be deleted. */
async function seedPairs(route = ''): Promise<Pair[]> {
  const [own, others] = [await world.seedPair(world.mine), await world.seedPair(world.theirs)];
  await world.patient.db.query(
    `update appointments set status = coalesce($2, status), previous_statuses = '{booked}' where id = $1`,
    [own.appointmentId, STATE_BEFORE[route]],
  );
  return [
    own,
    others,
    { ...own, patientId: await seedPatient(world.patient), doctorId: await seedDoctor(world.doctor) },
  ];
}

/** Each role on its own and on others' records, twice, so that the second time there is something in the way. */
async function useWell(
  service: Marked,
  routes: Routes,
  route: string,
  pairs: (route: string) => Promise<Pair[]>,
): Promise<void> {
  for (const role of ROLES) {
    const token = await world.tokenOf(role);
    for (const pair of await pairs(route)) {
      const { sent } = marked(routes, route, pair, role);
      const headers = { ...sent.headers, 'idempotency-key': `${CANARIES[service]} ${role} ${pair.entryId}` };
      await ask(service, route, sent, token);
      await ask(service, route, sent, token);
      await ask(service, route, { ...sent, headers }, token);
      await ask(service, route, { ...sent, headers, body: `{"a":"${CANARIES[service]}"}` }, token);
      await ask(service, route, { ...sent, headers: { ...sent.headers, 'if-match': '"999"' } }, token);
    }
  }
}

async function useBadly(service: Marked, routes: Routes, route: string): Promise<void> {
  const [row] = routes[route] ?? [];
  const role = ROLES.find((each) => (row?.[each] ?? '–') !== '–') ?? 'admin';
  const token = await world.tokenOf(role);
  const { path, whole } = marked(routes, route, await world.seedPair(world.mine), role);
  const good = whole === undefined ? { path } : { path, body: whole };
  for (const bad of badRequests(operationOf(service, route), good, CANARIES[service]))
    await ask(service, route, bad, token);
}

const canariesInRows = async (service: Marked, tables: string, marks?: readonly Marked[]) =>
  canariesIn((await rowsOf(world[service].db, tables)).join('\n'), marks);

/** From now on PostgreSQL refuses every change, and quotes the row in what it says of it. */
async function refuseChanges({ db }: Side): Promise<void> {
  for (const table of await tablesOf(db)) {
    if (!table.startsWith('audit'))
      await db.query(`alter table ${table} add constraint none_fits check (false) not valid`);
  }
}

beforeAll(async () => {
  world = await startAccessProcesses();
  documents = { patient: await documentOf(world.patient), doctor: await documentOf(world.doctor) };
  const everyRoute = async (use: (service: Marked, routes: Routes, route: string) => Promise<void>) => {
    for (const [service, routes] of SERVICES)
      for (const route of Object.keys(routes)) await use(service, routes, route);
  };
  await everyRoute((...which) => useWell(...which, seedPairs));
  await everyRoute(useBadly);
  const last = await seedPairs();
  for (const [service] of SERVICES) await refuseChanges(world[service]);
  await everyRoute((...which) => useWell(...which, async () => last));
  const scraped = SERVICES.map(async ([service]) => (await fetch(`${world[service].url}/metrics`)).text());
  metrics = (await Promise.all(scraped)).join('\n');
  await world.stop();
}, 180_000);
afterAll(async () => {
  await world?.stop();
  await world?.remove();
});

test.each(SERVICES)(
  'every route of the %s service was used well and badly, and failed',
  (service, routes) => {
    const served = Object.entries(documents[service].paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    );
    expect(served.sort()).toEqual(Object.keys(routes).sort());
    for (const route of served)
      expect([route, [...(seen.statuses.get(route) ?? [])]]).toEqual([route, expect.arrayContaining([2, 4])]);
    const failed = served.filter((route) => seen.statuses.get(route)?.has(5));
    expect(failed).toContain(`POST /${service}s`);
    expect(failed.length).toBeGreaterThan(5);
  },
);

test('canaries are where they belong, so that they could be anywhere', async () => {
  for (const table of ['patients', 'patient_versions', 'history', 'appointments', 'idempotency_keys'])
    expect([table, await canariesInRows('patient', table)]).toEqual([
      table,
      expect.arrayContaining([expect.anything()]),
    ]);
  for (const table of ['doctors', 'exceptions'])
    expect([table, await canariesInRows('doctor', table)]).toEqual([
      table,
      expect.arrayContaining([expect.anything()]),
    ]);
});

describe('no canary is', () => {
  test('in a line of the log, on standard error included', () => {
    expect(world.output()).toContain('"msg":"request failed"');
    expect(canariesIn(world.output())).toEqual([]);
  });

  test('in a metric', () => {
    expect(metrics).toContain('http_request_duration_seconds');
    expect(canariesIn(metrics)).toEqual([]);
  });

  test('in a problem, or in a header of an answer', () => {
    expect(seen.told).toEqual([]);
  });

  test('in what the patient service sends to the doctor service', () => {
    expect(world.sentToDoctor()).toContain('traceparent: 00-');
    expect(canariesIn(world.sentToDoctor())).toEqual([]);
  });

  test('of a patient in a row of the doctor service’s database', async () => {
    expect(await canariesInRows('doctor', '%', ['patient'])).toEqual([]);
  });

  test.each(SERVICES)('in the audit trail of the %s service', async (service) => {
    expect(await rowsOf(world[service].db, 'audit_entries')).not.toEqual([]);
    expect(await canariesInRows(service, 'audit%')).toEqual([]);
  });
});
