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
    const { body: thing } = await service.api.post('/things').send({ name: 'a thing' }).expect(201);
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
          stack: expect.stringContaining('observe.int.test.ts'),
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
