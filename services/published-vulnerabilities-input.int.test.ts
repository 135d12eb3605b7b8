// What was found in other systems of this kind, as attacks on this one: what comes in by parsers and goes out by the network.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { patientService } from './patient/app.ts';
import { DOCTOR_ROUTES, PATIENT_ROUTES } from './testing/access-routes.ts';
import { pointersOf, send, startWorld, type World } from './testing/access-world.ts';
import type { Operation } from './testing/bad-requests.ts';
import { dataOf } from './testing/rows.ts';
import { startTestService, type TestService } from './testing/service.ts';
import { createIssuer } from './testing/tokens.ts';

let world: World;
let admin: string;
beforeAll(async () => {
  world = await startWorld();
  admin = await world.tokenOf('admin');
});
afterAll(() => world?.stop());

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server on this machine, and every request that it got. */
async function listen(answer: RequestListener): Promise<{ url: string; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const server = createServer((req, res) => {
    asked.push(req);
    answer(req, res);
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const post = (path: string, body: Buffer | string, headers: Record<string, string>, token = admin) =>
  fetch(`${world.patient.url}${path}`, {
    method: 'POST',
    headers: { ...(token === '' ? {} : { authorization: `Bearer ${token}` }), ...headers },
    body: new Uint8Array(Buffer.from(body)),
  });

describe('SQL injection in search: OpenEMR CVE-2026-25746, -23627', () => {
  const ATTACKS = [
    "'",
    "' or '1'='1",
    "zzz'; drop table patients; --",
    'zzz") or true --',
    "zzz%' or name_key like '%",
    'zzz\\',
    '$1',
    "zzz' union select * from patients --",
    'zzz|| pg_sleep(5)',
    '{zzz,"',
  ];

  test.each<[string, () => TestService]>([
    ['patient', () => world.patient],
    ['doctor', () => world.doctor],
  ])('no parameter of the %s service finds more than it names, or fails', async (_name, service) => {
    const before = await dataOf(service());
    const { paths } = (await (await fetch(`${service().url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, Operation>>;
    };
    let asked = 0;
    for (const [path, { get }] of Object.entries(paths)) {
      if (get === undefined || path.startsWith('/reservations')) continue;
      const token = await world.tokenOf(/history/.test(path) ? 'doctor' : 'admin');
      const { patientId, doctorId } = world.mine;
      const filled = path.replace('{id}', path.startsWith('/doctors') ? doctorId : patientId);
      for (const { name } of get.parameters.filter((each) => each.in === 'query')) {
        for (const attack of ATTACKS) {
          const query = new URLSearchParams({ [name]: attack });
          const { status, text } = await send(service(), 'GET', { path: `${filled}?${query}` }, token);
          expect([path, name, attack, status === 200 ? JSON.parse(text).items : status]).toEqual([
            path,
            name,
            attack,
            status === 200 ? [] : 422,
          ]);
          asked += 1;
        }
      }
    }
    expect(asked).toBeGreaterThan(100);
    expect(await dataOf(service())).toEqual(before);
  });

  test.each(['familyName;', 'familyName desc', '(select 1)', 'id', '--familyName'])(
    '422 sort=%s, which is none of the orders that there are',
    async (sort) => {
      const path = `/patients?sort=${encodeURIComponent(sort)}`;
      expect((await send(world.patient, 'GET', { path }, admin)).status).toBe(422);
    },
  );
});

describe('requests to foreign addresses, credentials across a redirect: Medplum CVE-2026-49120, HAPI CVE-2026-34359, -34360, -34361, -33180', () => {
  test('an answer that redirects is none: nobody else is asked, or gets the token', async () => {
    const foreign = await listen((_req, res) => res.writeHead(201).end('{}'));
    const doctor = await listen((req, res) =>
      res.writeHead(307, { location: `${foreign.url}${req.url}` }).end(),
    );
    const patient = await startTestService(patientService({ doctorServiceUrl: doctor.url }), 'patient');
    try {
      const { rows } = await patient.db.query<{ id: string }>(
        `insert into patients (id, family_name, name_key, birth_date)
         values (gen_random_uuid(), 'Example', ' example', '1980') returning id`,
      );
      const { doctorId, free } = world.mine;
      const body = { patientId: rows[0]?.id, doctorId, ...free };
      expect((await send(patient, 'POST', { path: '/appointments', body })).status).toBe(202);
      expect(doctor.asked.length).toBeGreaterThan(0);
      expect(foreign.asked).toEqual([]);
    } finally {
      await patient.stop();
    }
  });

  test('401, and no request, for a token that says where its key is', async () => {
    const attacker = await createIssuer({ keyId: 'theirs' });
    const type = { 'content-type': 'application/json' };
    const keys = await listen((_req, res) =>
      res.writeHead(200, type).end(JSON.stringify(attacker.entry.jwks)),
    );
    for (const header of [{ jku: keys.url }, { x5u: keys.url }, { jwk: attacker.publicKey }]) {
      const token = await attacker.sign({ role: 'admin' }, header);
      expect((await send(world.patient, 'GET', { path: '/patients' }, token)).status).toBe(401);
    }
    expect(keys.asked).toEqual([]);
  });

  test('422 for members that name an address to call', async () => {
    for (const member of ['callbackUrl', 'webhook', 'subscriberUrl', 'endpoint']) {
      const body = { familyName: 'Example', birthDate: '1980', [member]: 'http://127.0.0.1/' };
      const answer = await world.as('admin', 'POST', { path: '/patients', body });
      expect([answer.status, pointersOf(answer)]).toEqual([422, [`#/${member}`]]);
    }
  });
});

describe('decompression bombs: HAPI, oss-security 2026-10-22', () => {
  const whole = Buffer.alloc(200 * 1024 * 1024, ' ');
  const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

  test.each([
    ['gzip', () => gzipSync(whole)],
    ['deflate', () => deflateSync(whole)],
    ['br', () => brotliCompressSync(whole, quick)],
  ])('413 for 200 MB in %s, and they are never unpacked', async (encoding, pack) => {
    const bomb = pack();
    const headers = { 'content-type': 'application/json', 'content-encoding': encoding };
    const { arrayBuffers: before } = process.memoryUsage();
    const started = performance.now();
    const answer = await post('/patients', bomb, headers);
    expect([answer.status, await answer.text()]).toEqual([413, expect.stringContaining('too-large')]);
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * 1024 * 1024);
    expect((await post('/patients', bomb, headers, '')).status).toBe(401);
  });
});

describe('counting everything, and XML: HAPI CVE-2021-32053, 2024-51132, 2024-52007, 2026-55471', () => {
  test('422 for pages without a bound, and no answer has a count', async () => {
    for (const query of [
      'limit=201',
      'limit=0',
      'limit=-1',
      'limit=1e9',
      '_count=1000',
      '_summary=count',
      '_total=accurate',
    ])
      expect((await send(world.patient, 'GET', { path: `/patients?${query}` }, admin)).status).toBe(422);
    for (const path of ['/patients', '/appointments', '/audit-events']) {
      const { text } = await send(world.patient, 'GET', { path }, admin);
      expect(Object.keys(JSON.parse(text)).sort()).toEqual(['items', 'nextCursor']);
    }
  });

  test('415 for XML, whose entities nobody resolves', async () => {
    const foreign = await listen((_req, res) => res.end());
    const xml = `<!DOCTYPE a [<!ENTITY b SYSTEM "${foreign.url}/b">]><Patient><name>&b;</name></Patient>`;
    for (const type of ['application/xml', 'text/xml', 'application/fhir+xml', 'application/json+xml'])
      expect((await post('/patients', xml, { 'content-type': type })).status).toBe(415);
    const pretended = await post('/patients', xml, { 'content-type': 'application/json' });
    expect([pretended.status, await pretended.text()]).toEqual([
      400,
      expect.stringContaining('invalid-json'),
    ]);
    expect(foreign.asked).toEqual([]);
  });
});

describe('parsers of queries and paths: qs CVE-2025-15284, -2026-2391, path-to-regexp CVE-2026-4867', () => {
  test('brackets, commas and prototypes in a query are names like any other, and refused', async () => {
    for (const query of [
      'limit[]=1',
      'limit[0]=1',
      'limit[a]=1',
      '__proto__[admin]=1',
      'constructor[prototype][admin]=1',
    ]) {
      const path = `/patients?${encodeURI(query)}`;
      const { status, text } = await send(world.patient, 'GET', { path }, admin);
      expect([status, JSON.parse(text).errors]).toEqual([
        422,
        [{ parameter: query.split('=')[0], detail: 'is not known here' }],
      ]);
    }
    expect(Object.hasOwn(Object.prototype, 'admin')).toBe(false);
    const many = Array.from({ length: 1_500 }, (_, index) => `a[${index}]=1`).join('&');
    const started = performance.now();
    expect((await send(world.patient, 'GET', { path: `/patients?${many}` }, admin)).status).toBe(422);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test('no segment of a route has more than two parameters, and long paths are answered at once', async () => {
    for (const route of [...Object.keys(PATIENT_ROUTES), ...Object.keys(DOCTOR_ROUTES)])
      for (const segment of route.split('/')) expect((segment.match(/:/g) ?? []).length).toBeLessThan(3);
    for (const text of ['a.'.repeat(6_000), '.ics'.repeat(3_000), '-'.repeat(12_000), '%2F'.repeat(4_000)]) {
      const started = performance.now();
      const { status } = await send(world.patient, 'GET', { path: `/appointments/${text}` }, admin);
      expect([status, performance.now() - started < 500]).toEqual([404, true]);
    }
  });
});
