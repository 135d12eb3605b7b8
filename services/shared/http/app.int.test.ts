import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { eventually } from '../../testing/eventually.ts';
import type { TestService } from '../../testing/service.ts';
import { startThings, type Trouble } from '../../testing/things.ts';

const PROBLEM = /^application\/problem\+json/;

const trouble: Partial<Trouble> = {};
let service: TestService;
beforeAll(async () => {
  service = await startThings(trouble);
  await eventually(() => service.api.get('/readyz').expect(200));
});
afterAll(() => service.stop());

const newThing = async (name = `thing ${randomUUID()}`) => {
  const { body } = await service.api.post('/things').send({ name }).expect(201);
  return body as { id: string; name: string; version: number };
};

describe('methods and paths', () => {
  test('404 not-found for a path that is not there and for an id that is no UUID', async () => {
    for (const path of [
      '/',
      '/nowhere',
      '/Things',
      '/things/1',
      `/things/${randomUUID()}x`,
      '/things/%00',
      '/things/%zz',
      '/%E0%A4%A',
      '/things/..%2f..%2fetc',
    ]) {
      const { status, body, headers } = await service.api.get(path);
      expect([path, status, body.type]).toEqual([path, 404, 'urn:problem-type:not-found']);
      expect(headers['content-type']).toMatch(PROBLEM);
    }
  });

  test('an id is found in capitals too', async () => {
    const { id } = await newThing();
    const { body } = await service.api.get(`/things/${id.toUpperCase()}`).expect(200);
    expect(body.id).toBe(id);
  });

  test('a parameter with a pattern of its own', async () => {
    await service.api.get('/trouble/context/abc').expect(200);
    await service.api.get('/trouble/context/ABC').expect(404);
  });

  test('405 with Allow', async () => {
    const { headers, body } = await service.api.delete('/things').expect(405);
    expect(headers.allow).toBe('POST, GET, HEAD, OPTIONS');
    expect(body).toMatchObject({ type: 'urn:problem-type:method-not-allowed', status: 405 });
    expect((await service.api.put(`/things/${randomUUID()}`).send({}).expect(405)).headers.allow).toBe(
      'GET, PATCH, HEAD, OPTIONS',
    );
    expect((await service.api.head('/trouble/answers').expect(405)).headers.allow).toBe('POST, OPTIONS');
    expect((await service.api.post('/livez').expect(405)).headers.allow).toBe('GET, HEAD, OPTIONS');
  });

  test('OPTIONS 204 with Allow', async () => {
    for (const [path, allow] of [
      ['/things', 'POST, GET, HEAD, OPTIONS'],
      ['/things/1', 'GET, PATCH, HEAD, OPTIONS'],
      ['/readyz', 'GET, HEAD, OPTIONS'],
    ] as const) {
      const { headers, text } = await service.api.options(path).expect(204);
      expect([headers.allow, text]).toEqual([allow, '']);
    }
    await service.api.options('/nowhere').expect(404);
  });

  test('HEAD as GET, without the body', async () => {
    const { id } = await newThing();
    for (const path of [`/things/${id}`, '/things', '/livez', '/openapi.json', `/things/${randomUUID()}`]) {
      const get = await service.api.get(path);
      const head = await service.api.head(path);
      expect([path, head.status, head.headers['content-type'], head.headers.etag]).toEqual([
        path,
        get.status,
        get.headers['content-type'],
        get.headers.etag,
      ]);
      if (path !== '/things') expect(head.headers['content-length']).toBe(get.headers['content-length']);
      expect(head.text ?? '').toBe('');
    }
  });

  test('422 for parameters where there are none', async () => {
    const { id } = await newThing();
    const { body } = await service.api.get(`/things/${id}?expand=all&expand=1`).expect(422);
    expect(body.errors).toEqual([{ parameter: 'expand', detail: 'is not known here' }]);
    await service.api.post('/things?dryRun=1').send({ name: 'x' }).expect(422);
  });

  test('422 for a query that is no percent-encoded UTF-8', async () => {
    const { body } = await service.api.get('/things?name=%E0%A4%A').expect(422);
    expect(body.errors).toEqual([{ parameter: 'name', detail: 'must be percent-encoded UTF-8' }]);
  });

  test('answers are not kept, framed, sniffed or run', async () => {
    for (const path of ['/things', '/nowhere', '/readyz']) {
      const { headers } = await service.api.get(path);
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
      });
      expect(headers).not.toHaveProperty('x-powered-by');
    }
  });
});

describe('versions', () => {
  test('304 while the known version is the present one', async () => {
    const { id } = await newThing();
    const { headers } = await service.api.get(`/things/${id}`).expect(200);
    expect(headers.etag).toBe('"1"');
    for (const known of ['"1"', 'W/"1"', '"9", "1"', '*']) {
      const unchanged = await service.api.get(`/things/${id}`).set('if-none-match', known).expect(304);
      expect(unchanged.headers.etag).toBe('"1"');
      expect(unchanged.text).toBe('');
    }
    await service.api.head(`/things/${id}`).set('if-none-match', '"1"').expect(304);
    await service.api.get(`/things/${id}`).set('if-none-match', '"0"').expect(200);
    await service.api.get('/things').set('if-none-match', '*').expect(200);
  });

  test('412 version-mismatch with the present ETag', async () => {
    const { id } = await newThing();
    await service.api.patch(`/things/${id}`).set('if-match', '"1"').send({ note: 'a' }).expect(200);
    const { body, headers } = await service.api
      .patch(`/things/${id}`)
      .set('if-match', '"1"')
      .send({ note: 'b' })
      .expect(412);
    expect(body.type).toBe('urn:problem-type:version-mismatch');
    expect(headers.etag).toBe('"2"');
    await service.api.patch(`/things/${id}`).set('if-match', '*').send({ note: 'b' }).expect(200);
    await service.api.patch(`/things/${id}`).send({ note: 'c' }).expect(200);
  });

  test('a patch may be named as one, or as JSON', async () => {
    const { id } = await newThing();
    const patch = (type: string) =>
      service.api
        .patch(`/things/${id}`)
        .set('content-type', type)
        .send(JSON.stringify({ note: type.slice(0, 20) }));
    await patch('application/merge-patch+json').expect(200);
    await patch('application/json; charset=UTF-8').expect(200);
    await patch('application/json-patch+json').expect(415);
    const { body } = await service.api.patch(`/things/${id}`).expect(422);
    expect(body.errors).toEqual([{ pointer: '#', detail: 'is required' }]);
  });
});

test('more requests than maxRequestsAtWork: who reads one thing passes, the others stand in line, and are told when it is too long', async () => {
  const release: (() => void)[] = [];
  const busy = await startThings(
    { wait: () => new Promise((resolve) => release.push(resolve)) },
    { settings: { maxRequestsAtWork: 1 } },
  );
  try {
    const { body: thing } = await busy.api.post('/things').send({ name: 'before' }).expect(201);
    const working = fetch(`${busy.url}/trouble/wait`);
    await eventually(async () => expect(release).toHaveLength(1));
    const refused = busy.api.get('/things');
    await busy.api.get(`/things/${thing.id}`).expect(200);
    // What is wrong with a request is told without a place.
    await busy.api.post('/things').send({ nome: 'wrong' }).expect(422);
    const { headers, body } = await refused.expect(503);
    expect(headers['retry-after']).toBe('1');
    expect(body.type).toBe('urn:problem-type:unavailable');
    const patient = busy.api.post('/things').send({ name: 'after' }).expect(201);
    setTimeout(() => release[0]?.(), 300);
    await patient;
    expect((await working).status).toBe(204);
  } finally {
    for (const go of release) go();
    await busy.stop();
  }
}, 20_000);

test('requests of one connection that ends before their answers are in flight no more', async () => {
  const release: (() => void)[] = [];
  const left = await startThings(
    { wait: () => new Promise((resolve) => release.push(resolve)) },
    { settings: { maxRequestsAtWork: 2 } },
  );
  const inFlight = async () =>
    /^http_requests_in_flight\{.*\} (\d+)$/m.exec(await (await fetch(`${left.url}/metrics`)).text())?.[1];
  try {
    const socket = connect(left.port, '127.0.0.1');
    socket.write('GET /trouble/wait HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(5));
    await eventually(async () => expect([await inFlight(), release.length]).toEqual(['5', 2]));
    socket.destroy();
    await eventually(async () => expect(await inFlight()).toBe('0'));
    await left.api.get('/things').expect(200);
  } finally {
    for (const go of release) go();
    await left.stop();
  }
});

test('more requests than maxRequestsInFlight: 503 with Retry-After at once, while the others are served', async () => {
  const release: (() => void)[] = [];
  const busy = await startThings(
    { wait: () => new Promise((resolve) => release.push(resolve)) },
    { settings: { maxRequestsInFlight: 3 } },
  );
  try {
    const waiting = [1, 2, 3].map(() => fetch(`${busy.url}/trouble/wait`));
    await eventually(async () => expect(release).toHaveLength(3));
    const started = performance.now();
    const refused = await fetch(`${busy.url}/things`);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({ type: 'urn:problem-type:unavailable', status: 503 });
    expect(performance.now() - started).toBeLessThan(250);
    expect((await fetch(`${busy.url}/livez`)).status).toBe(200);
    expect(await (await fetch(`${busy.url}/metrics`)).text()).toMatch(/^http_requests_in_flight\{.*\} 3$/m);
    for (const go of release) go();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([204, 204, 204]);
    expect((await fetch(`${busy.url}/things`)).status).toBe(200);
  } finally {
    await busy.stop();
  }
});
