import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { patientService } from './patient/app.ts';
import { readNetworks } from './shared/http/client-address.ts';
import { DOCTOR_ROUTES, PATIENT_ROUTES, type Row } from './testing/access-routes.ts';
import { type Pair, type Role, type Sent, send, startWorld, type World } from './testing/access-world.ts';
import { startTestService, type TestService } from './testing/service.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

interface Found {
  subject: string;
  role: string | null;
  method: string;
  route: string;
  status: number;
  problem: string | null;
  resourceId: string | null;
  about: string[];
}

/** Sends a request and returns its answer with the events that it left. */
async function sendAndLook(service: TestService, method: string, sent: Sent, token: string | undefined) {
  const requestId = randomUUID();
  const headers = { ...sent.headers, 'x-request-id': requestId };
  const answer = await send(service, method, { ...sent, headers }, token);
  const { rows: events } = await service.db.query<Found>(
    `select subject, role, method, route, status, problem, resource_id as "resourceId", about::text[] as about
       from audit_events where request_id = $1`,
    [requestId],
  );
  return { ...answer, events };
}

const lastId = (path: string): string | null =>
  path.match(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g)?.at(-1) ?? null;

const ROLES: readonly Role[] = ['admin', 'receptionist', 'doctor', 'patient', 'service'];
const roleWith = (row: Row, reaches: readonly string[]): Role | undefined =>
  ROLES.find((role) => reaches.includes(row[role] ?? '–'));

/** Everybody whose data the answer of a good request for a pair holds. */
function concerned(route: string, { patientId }: Pair, text: string): string[] {
  const ids = (member: string) => [
    ...new Set<string>(JSON.parse(text).items.map((item: Record<string, string>) => item[member])),
  ];
  if (route === 'GET /audit-events')
    return [
      ...new Set<string>(JSON.parse(text).items.flatMap((item: { patientIds: string[] }) => item.patientIds)),
    ];
  if (route === 'POST /patients') return [JSON.parse(text).id];
  if (route === 'GET /patients') return ids('id');
  if (route === 'GET /appointments') return ids('patientId');
  return [patientId];
}

/** Those two are kept before the doctor service is asked. */
const statusKept = (route: string, status: number): number =>
  /^POST \/appointments(\/:id\/reschedule)?$/.test(route) && status < 300 ? 202 : status;

describe.each(Object.entries(PATIENT_ROUTES))('the patient service, %s', (route, [row, request]) => {
  const [method = '', pattern = ''] = route.split(' ');
  const named = (id: string): string[] => (pattern.startsWith('/patients/:id') ? [id] : []);

  test('leaves one event, with everybody whom the answer is about', async () => {
    const pair = await world.seedPair(world.mine);
    const role = roleWith(row, ['✔', 'own']) ?? 'admin';
    const sent = request(pair);
    const { status, text, events } = await sendAndLook(
      world.patient,
      method,
      sent,
      await world.tokenOf(role),
    );
    expect(events.map((event) => ({ ...event, about: event.about.sort() }))).toEqual([
      {
        subject: `${world.issuer.entry.issuer}#some ${role}`,
        role,
        method,
        route: pattern,
        status: statusKept(route, status),
        problem: status < 300 ? null : JSON.parse(text).type.split(':').at(-1),
        resourceId: lastId(sent.path),
        about: concerned(route, pair, text).sort(),
      },
    ]);
  });

  test('leaves one event of a 403, with the ids of the path', async () => {
    const role = roleWith(row, ['–']) ?? 'service';
    const sent = request(world.theirs);
    const { status, events } = await sendAndLook(world.patient, method, sent, await world.tokenOf(role));
    expect(status).toBe(403);
    expect(events).toMatchObject([
      {
        role,
        status,
        problem: 'forbidden',
        resourceId: lastId(sent.path),
        about: named(world.theirs.patientId),
      },
    ]);
  });

  if (Object.values(row).includes('own'))
    test('leaves one event of a 404 or 403 for what is not the own', async () => {
      const theirs = await world.seedPair(world.theirs);
      const sent = request(theirs);
      const token = await world.tokenOf(roleWith(row, ['own']) ?? 'patient');
      const { status, events } = await sendAndLook(world.patient, method, sent, token);
      const about =
        route === 'POST /appointments' && status === 404 ? [theirs.patientId] : named(theirs.patientId);
      expect([403, 404]).toContain(status);
      expect(events).toMatchObject([{ status, resourceId: lastId(sent.path), about }]);
    });

  test('leaves none without a good token', async () => {
    const { status, events } = await sendAndLook(world.patient, method, request(world.mine), 'nonsense');
    expect([status, events]).toEqual([401, []]);
  });
});

describe.each(Object.entries(DOCTOR_ROUTES))('the doctor service, %s', (route, [row, request]) => {
  const [method = '', pattern = ''] = route.split(' ');
  const count = method === 'GET' ? 0 : 1;

  test(`leaves ${count} events, about no patient`, async () => {
    const pair = await world.seedPair(world.mine);
    const role = roleWith(row, ['✔', 'own']) ?? 'admin';
    const { status, events } = await sendAndLook(
      world.doctor,
      method,
      request(pair),
      await world.tokenOf(role),
    );
    // Where only the constraint knows, the event is kept while it decides.
    const decided = status === 201 && route.startsWith('PUT /reservations') ? 202 : status;
    const event = { role, method, route: pattern, status: decided, about: [] };
    expect(events).toMatchObject(count === 0 ? [] : [event]);
  });
});

describe('one event', () => {
  const read = (more: Partial<Sent> = {}): Sent => ({ path: `/patients/${world.mine.patientId}`, ...more });
  const look = async (method: string, sent: Sent, role: Role = 'admin') =>
    sendAndLook(world.patient, method, sent, await world.tokenOf(role));

  test('of a 304 and of HEAD, which tell that nothing has changed', async () => {
    const { headers } = await fetch(`${world.patient.url}/patients/${world.mine.patientId}`, {
      headers: { authorization: `Bearer ${await world.tokenOf('admin')}` },
    });
    const about = [world.mine.patientId];
    const same = await look('GET', read({ headers: { 'if-none-match': headers.get('etag') ?? '' } }));
    expect([same.status, same.events]).toEqual([304, [expect.objectContaining({ status: 304, about })]]);
    const head = await look('HEAD', read());
    expect(head.events).toMatchObject([{ method: 'HEAD', status: 200, about }]);
  });

  test('of an unknown id, and of one that is none', async () => {
    const unknown = uuidv7();
    for (const [id, resourceId] of [
      [unknown, unknown],
      ['nobody', null],
    ]) {
      const { status, events } = await look('GET', { path: `/appointments/${id}` });
      expect([status, events]).toMatchObject([404, [{ status: 404, resourceId, about: [] }]]);
    }
  });

  test('of a stale version: 412', async () => {
    const stale = read({ body: { phone: '+1 555 0101' }, headers: { 'if-match': '"999"' } });
    const { status, events } = await look('PATCH', stale);
    expect([status, events]).toMatchObject([412, [{ status: 412, about: [world.mine.patientId] }]]);
  });

  test('of each time that a key is sent, also where the first answer was a refusal', async () => {
    const pair = await world.seedPair(world.mine);
    const about = [pair.patientId];
    const booking = { patientId: pair.patientId, doctorId: pair.doctorId, ...pair.free };
    const requests: Sent[] = [
      { path: '/appointments', body: booking },
      { path: `/appointments/${pair.appointmentId}/undo` },
      { path: `/appointments/${pair.appointmentId}/cancel` },
      { path: `/appointments/${pair.appointmentId}/reschedule`, body: { durationMinutes: 15 } },
      { path: `/patients/${pair.patientId}/restore` },
    ];
    for (const sent of requests) {
      const keyed = { ...sent, headers: { 'idempotency-key': randomUUID() } };
      const first = await look('POST', keyed);
      const kept = sent.path === '/appointments' ? 202 : first.status;
      expect(first.events).toMatchObject([{ status: kept, about }]);
      const again = await look('POST', keyed);
      expect([again.text, again.events]).toMatchObject([first.text, [{ status: first.status, about }]]);
    }
  });

  test('of a token that means no role here', async () => {
    const token = await world.issuer.sign({ role: 'nobody', sub: 'stranger' });
    const { status, events } = await sendAndLook(world.patient, 'GET', read(), token);
    expect([status, events]).toMatchObject([
      403,
      [
        {
          subject: expect.stringMatching(/#stranger$/),
          role: null,
          status: 403,
          about: [world.mine.patientId],
        },
      ],
    ]);
  });
});

describe('where an event says that a request is from', () => {
  const sourceOf = async (isTrustedProxy: (address: string) => boolean): Promise<unknown> => {
    const { databaseUrl: url, ownerUrl, db } = world.patient;
    const definition = patientService({ doctorServiceUrl: world.doctor.url });
    const service = await startTestService(definition, 'patient', {
      database: { url, ownerUrl },
      settings: { isTrustedProxy },
    });
    const requestId = randomUUID();
    const headers = { 'x-request-id': requestId, 'x-forwarded-for': '198.51.100.1, 203.0.113.9' };
    await send(service, 'GET', { path: '/patients', headers });
    await service.stop();
    const { rows } = await db.query('select source_ip from audit_events where request_id = $1', [requestId]);
    return rows[0]?.source_ip;
  };

  test('is who connected, whatever headers say', async () => {
    expect(await sourceOf(() => false)).toBe('127.0.0.1');
  });

  test('is whom a trusted proxy names', async () => {
    expect(await sourceOf(readNetworks('127.0.0.0/8'))).toBe('203.0.113.9');
  });
});

test('one event of a 422 that was found by a look at the record, and of a 404 where there is none', async () => {
  const admin = await world.tokenOf('admin');
  for (const [id, status] of [
    [world.mine.patientId, 422],
    [uuidv7(), 404],
  ] as const) {
    const sent = { path: `/patients/${id}`, body: { nonsense: 1 } };
    const found = await sendAndLook(world.patient, 'PATCH', sent, admin);
    expect([found.status, found.events]).toMatchObject([status, [{ status, about: [id] }]]);
  }
});

describe('no event', () => {
  test.each<[string, string, () => Sent]>([
    ['422 a parameter that is not known', 'GET', () => ({ path: '/patients?nonsense=1' })],
    ['422 a member that is not known', 'POST', () => ({ path: '/patients', body: { nonsense: 1 } })],
    ['415 another type', 'POST', () => ({ path: '/patients', body: {}, type: 'text/plain' })],
  ])('of %s', async (title, method, sent) => {
    const { status, events } = await sendAndLook(world.patient, method, sent(), await world.tokenOf('admin'));
    expect([status, events]).toEqual([Number(title.slice(0, 3)), []]);
  });
});

describe('while the audit trail cannot be written', () => {
  const may = (what: string) =>
    world.patient.db.query(`${what} insert on audit_entries ${what === 'grant' ? 'to' : 'from'} patient_app`);
  beforeAll(() => may('revoke'));
  afterAll(() => may('grant'));

  test('503, and nothing is told: not the data, and not that there is none', async () => {
    for (const path of [`/patients/${world.mine.patientId}`, '/patients', `/patients/${uuidv7()}`]) {
      const { status, text } = await send(world.patient, 'GET', { path }, await world.tokenOf('admin'));
      expect([path, status, JSON.parse(text).type]).toEqual([path, 503, 'urn:problem-type:unavailable']);
    }
  });

  test.each<[string, string, () => Sent]>([
    ['', 'PATCH', () => ({ path: `/patients/${world.mine.patientId}`, body: { familyName: 'Unheard' } })],
    [
      ', with a key either',
      'POST',
      () => ({
        path: '/patients',
        body: { familyName: 'Unheard', birthDate: '1980' },
        headers: { 'idempotency-key': randomUUID() },
      }),
    ],
  ])('nothing is changed%s', async (_how, method, sent) => {
    const { status } = await send(world.patient, method, sent(), await world.tokenOf('admin'));
    expect(status).toBeGreaterThanOrEqual(500);
    const { rowCount } = await world.patient.db.query(`select from patients where family_name = 'Unheard'`);
    expect(rowCount).toBe(0);
  });
});
