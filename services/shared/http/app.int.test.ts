import { randomUUID } from 'node:crypto';
import { eventually } from '../../testing/eventually.ts';
import { rawHttp } from '../../testing/raw-http.ts';
import type { TestService } from '../../testing/service.ts';
import { startThings, type Trouble } from '../../testing/things.ts';

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;
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

/** The log lines of one request, which come when the answer has left. */
const linesOf = (requestId: string): Promise<Record<string, unknown>[]> =>
  eventually(async () => {
    const lines = service
      .logged()
      .split('\n')
      .filter((line) => line.includes(requestId))
      .map((line) => JSON.parse(line));
    if (lines.length === 0) throw new Error(`no line of ${requestId}`);
    return lines;
  });

describe('request ids and traces', () => {
  test('a request id is taken, made where there is none, and always returned', async () => {
    const id = randomUUID();
    for (const path of ['/things', '/nowhere', '/livez', '/readyz', '/metrics', '/openapi.json', '/docs']) {
      const taken = await service.api.get(path).set('x-request-id', id);
      expect([path, taken.headers['x-request-id']]).toEqual([path, id]);
      const made = await service.api.get(path);
      expect([path, made.headers['x-request-id']]).toEqual([path, expect.stringMatching(UUID)]);
      const remade = await service.api.get(path).set('x-request-id', 'not <well> formed');
      expect(remade.headers['x-request-id']).toMatch(UUID);
    }
  });

  test('a problem names its request', async () => {
    const id = randomUUID();
    const { body } = await service.api.get('/nowhere').set('x-request-id', id).expect(404);
    expect(body.instance).toBe(`urn:uuid:${id}`);
    const other = await service.api.get('/nowhere').set('x-request-id', 'abc-123').expect(404);
    expect(other.body.instance).toBe('urn:request:abc-123');
    const open = await service.api.post('/livez').set('x-request-id', id).expect(405);
    expect(open.body.instance).toBe(`urn:uuid:${id}`);
  });

  test('the trace goes on in what the handler does', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const { body } = await service.api
      .get('/trouble/context/of')
      .set('traceparent', `00-${traceId}-00f067aa0ba902b7-00`)
      .set('x-request-id', 'abc-12345')
      .expect(200);
    expect(body).toMatchObject({ traceId, traceFlags: '00', requestId: 'abc-12345' });
    expect(body.spanId).not.toBe('00f067aa0ba902b7');
  });
});

describe('log lines', () => {
  test('one line per request, of nothing but allow-listed fields', async () => {
    const id = randomUUID();
    const thing = await newThing();
    await service.api
      .get(`/things/${thing.id}`)
      .set('x-request-id', id)
      .set('cookie', 'Zebra')
      .set('authorization', 'Zebra')
      .set('user-agent', 'Zebra')
      .expect(200);
    expect(await linesOf(id)).toEqual([
      {
        level: 'info',
        time: expect.any(String),
        service: 'doctor',
        request_id: id,
        trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
        method: 'GET',
        route: '/things/:id',
        status: 200,
        durationMs: expect.any(Number),
        msg: 'request',
      },
    ]);
    expect(service.logged()).not.toContain('Zebra');
    expect(service.logged()).not.toContain(thing.id);
  });

  test('neither body nor query nor path with its values, also when they are wrong', async () => {
    const ids = await Promise.all(
      [
        service.api.get('/things?name=Zebra').set('x-unused', '1'),
        service.api.get('/things?Zebra=1'),
        service.api.get('/things/Zebra'),
        service.api.get('/Zebra'),
        service.api.get('/things/%zz-Zebra'),
        service.api.post('/things').send({ name: 'Zebra', Quagga: 1 }),
        service.api.post('/things').set('content-type', 'application/json').send('{"name": Zebra'),
        service.api
          .post('/things')
          .set('idempotency-key', `Zebra ${'x'.repeat(300)}`)
          .send({}),
        service.api.get('/things').set('x-request-id', 'Zebra <script>'),
      ].map(async (request) => (await request).headers['x-request-id'] as string),
    );
    for (const id of ids) expect(await linesOf(id)).toHaveLength(1);
    expect(service.logged()).not.toMatch(/Zebra|Quagga/);
  });

  test('a problem is named by its word', async () => {
    const id = randomUUID();
    await service.api.post('/things').set('x-request-id', id).send({}).expect(422);
    expect(await linesOf(id)).toEqual([
      expect.objectContaining({ route: '/things', status: 422, problem: 'invalid-request' }),
    ]);
  });

  test('probes, metrics and documents leave none', async () => {
    const id = randomUUID();
    for (const path of ['/livez', '/readyz', '/healthz', '/metrics', '/openapi.json', '/docs'])
      await service.api.get(path).set('x-request-id', id).expect(200);
    const seen = randomUUID();
    await service.api.get('/nowhere').set('x-request-id', seen);
    await linesOf(seen);
    expect(service.logged()).not.toContain(id);
  });

  test('a client that goes away leaves a line with its request id and 499', async () => {
    const id = randomUUID();
    let started: () => void = () => undefined;
    const isWaiting = new Promise<void>((resolve) => {
      started = resolve;
    });
    let finish: () => void = () => undefined;
    trouble.wait = () =>
      new Promise((resolve) => {
        started();
        finish = resolve;
      });
    const controller = new AbortController();
    const answer = fetch(`${service.url}/trouble/wait`, {
      headers: { 'x-request-id': id },
      signal: controller.signal,
    });
    await isWaiting;
    controller.abort();
    await expect(answer).rejects.toThrow();
    expect(await linesOf(id)).toEqual([
      expect.objectContaining({ request_id: id, route: '/trouble/wait', status: 499 }),
    ]);
    finish();
    delete trouble.wait;
    await service.api.get('/things').expect(200);
  });
});

describe('metrics', () => {
  const seriesOf = async (): Promise<string[]> => {
    const { text } = await service.api.get('/metrics').expect(200);
    return text.split('\n').filter((line) => line.startsWith('http_request_duration_seconds_count'));
  };

  test('1,000 random paths add one series', async () => {
    await service.api.get('/nowhere').expect(404);
    const before = (await seriesOf()).length;
    for (let round = 0; round < 20; round += 1)
      await Promise.all(
        Array.from({ length: 50 }, () => fetch(`${service.url}/${randomUUID()}/${randomUUID()}`)),
      );
    await service.api.get(`/things/${randomUUID()}`).expect(404);
    const after = await seriesOf();
    expect(after.filter((line) => line.includes('route="unmatched"'))).toHaveLength(1);
    expect(after.length - before).toBeLessThanOrEqual(1);
  }, 30_000);

  test('methods that nobody knows are one', async () => {
    const before = (await seriesOf()).length;
    for (const method of ['PROPFIND', 'MKCOL', 'LOCK', 'SEARCH', 'PURGE', 'TRACE'])
      expect(
        await rawHttp(service.port, `${method} /things HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
      ).toMatch(/^HTTP\/1\.1 405 /);
    const after = await seriesOf();
    expect(after.filter((line) => line.includes('method="_OTHER"'))).toHaveLength(1);
    expect(after.length - before).toBe(1);
  });
});

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

describe('what goes wrong inside', () => {
  test('500 internal without a word of the error, which the log has with its stack', async () => {
    const id = randomUUID();
    trouble.error = new Error('Zebra', { cause: new Error('Quagga') });
    const { body, headers } = await service.api.get('/trouble/throw').set('x-request-id', id).expect(500);
    expect(body).toEqual({
      type: 'urn:problem-type:internal',
      title: 'Something went wrong on our side',
      status: 500,
      detail: 'The request could not be answered; the log tells why.',
      instance: `urn:uuid:${id}`,
    });
    expect(headers['content-type']).toMatch(PROBLEM);
    expect(await linesOf(id)).toEqual([
      expect.objectContaining({
        level: 'error',
        status: 500,
        problem: 'internal',
        route: '/trouble/throw',
        error: {
          type: 'Error',
          message: 'Zebra',
          stack: expect.stringContaining('app.int.test.ts'),
          cause: expect.objectContaining({ message: 'Quagga' }),
        },
      }),
    ]);
  });

  test('500 whatever is thrown', async () => {
    for (const error of [undefined, null, 'Quokka', 42, {}, new URIError('Quokka')]) {
      trouble.error = error;
      const { text } = await service.api.get('/trouble/throw').expect(500);
      expect(text).not.toContain('Quokka');
    }
  });

  test('500 for a statement that fails; the value in PostgreSQL’s message is neither sent nor logged', async () => {
    const id = randomUUID();
    const { text } = await service.api.get('/trouble/fail').set('x-request-id', id).expect(500);
    expect(text).not.toMatch(/Zebra|Quagga|integer|select/);
    const [line] = await linesOf(id);
    expect(line).toMatchObject({ error: { type: 'error', code: '22P02' } });
    expect(JSON.stringify(line)).not.toMatch(/Quagga/);
  });
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
