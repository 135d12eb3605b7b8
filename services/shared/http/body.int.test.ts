import { connect } from 'node:net';
import { brotliCompressSync, createGzip, deflateSync, gzipSync } from 'node:zlib';
import { eventually } from '../../testing/eventually.ts';
import { rawHttp } from '../../testing/raw-http.ts';
import type { TestService } from '../../testing/service.ts';
import { startThings, type Trouble } from '../../testing/things.ts';

const trouble: Partial<Trouble> = {
  answer: (_tx, body) =>
    Promise.resolve({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ body }),
    }),
};
let service: TestService;
beforeAll(async () => {
  service = await startThings(trouble);
  await eventually(() => service.api.get('/readyz').expect(200));
});
afterAll(() => service.stop());

const LIMIT = 100 * 1024;
const JSON_TYPE = { 'content-type': 'application/json' };

interface Told {
  status: number;
  headers: Headers;
  body: { type?: string; status?: number; detail?: string; errors?: unknown; body?: unknown };
}

/** Sends bytes as a body, and reads what comes back. */
async function post(
  body: string | Uint8Array<ArrayBuffer> | undefined,
  headers: Record<string, string> = {},
  path = '/trouble/answers',
): Promise<Told> {
  const response = await fetch(service.url + path, {
    method: 'POST',
    headers: { ...JSON_TYPE, ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Told['body'],
  };
}

const word = ({ status, body }: Told): string => `${status} ${body.type?.split(':').at(-1)}`;

/** JSON text of exactly so many bytes. */
const jsonOf = (bytes: number): string => `"${'x'.repeat(bytes - 2)}"`;

describe('size', () => {
  test('100 KiB are read, one byte more is 413 too-large', async () => {
    expect((await post(jsonOf(LIMIT))).status).toBe(200);
    expect(word(await post(jsonOf(LIMIT + 1)))).toBe('413 too-large');
  });

  test('the size is measured unpacked', async () => {
    expect((await post(gzipSync(jsonOf(LIMIT)), { 'content-encoding': 'gzip' })).status).toBe(200);
    expect(word(await post(gzipSync(jsonOf(LIMIT + 1)), { 'content-encoding': 'gzip' }))).toBe(
      '413 too-large',
    );
  });

  test('413 for 200 MB of zeros packed, quickly and without much memory', async () => {
    const packed = await new Promise<Buffer>((resolve) => {
      const gzip = createGzip();
      const chunks: Buffer[] = [];
      gzip.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks)));
      const block = Buffer.alloc(1 << 20);
      for (let written = 0; written < 200; written += 1) gzip.write(block);
      gzip.end();
    });
    const before = process.memoryUsage().rss;
    const started = performance.now();
    expect(word(await post(new Uint8Array(packed), { 'content-encoding': 'gzip' }))).toBe('413 too-large');
    expect(performance.now() - started).toBeLessThan(500);
    expect(process.memoryUsage().rss - before).toBeLessThan(50e6);
  }, 30_000);

  test('413 before all of it is sent, when its length says so', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(service.port, '127.0.0.1');
      socket.on('data', (chunk) => {
        resolve(chunk.toString());
        socket.destroy();
      });
      socket.on('error', reject);
      socket.write(
        `POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${10 ** 9}\r\n\r\n{`,
      );
    });
    expect(answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*too-large/);
  });

  test('the connection goes on after a 413', async () => {
    const big = jsonOf(LIMIT + 1);
    const head = 'Host: x\r\nContent-Type: application/json\r\n';
    const answers = await rawHttp(
      service.port,
      `POST /things HTTP/1.1\r\n${head}Content-Length: ${big.length}\r\n\r\n${big}GET /things HTTP/1.1\r\n${head}Connection: close\r\n\r\n`,
    );
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200']);
  });
});

describe('encoding', () => {
  const text = '{"name":"Zoë"}';

  test.each([
    ['gzip', gzipSync(text)],
    ['GZip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['br', brotliCompressSync(text)],
    ['identity', Buffer.from(text)],
  ])('%s is understood', async (encoding, bytes) => {
    const { status, body } = await post(new Uint8Array(bytes), { 'content-encoding': encoding });
    expect([status, body.body]).toEqual([200, { name: 'Zoë' }]);
  });

  test.each(['zstd', 'compress', 'gzip, gzip', 'nonsense', 'constructor'])(
    '415 for %s, with what is understood',
    async (encoding) => {
      const told = await post(text, { 'content-encoding': encoding });
      expect(word(told)).toBe('415 unsupported-media-type');
      expect(told.headers.get('accept-encoding')).toBe('gzip, deflate, br, identity');
    },
  );

  test('400 invalid-json for what cannot be unpacked', async () => {
    for (const [encoding, bytes] of [
      ['gzip', Buffer.from(text)],
      ['br', Buffer.from(text)],
      ['gzip', gzipSync(text).subarray(0, 20)],
    ] as const)
      expect(word(await post(new Uint8Array(bytes), { 'content-encoding': encoding }))).toBe(
        '400 invalid-json',
      );
  });
});

describe('media type', () => {
  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON;charset="UTF-8"',
    'application/json; profile=x',
  ])('%s is read', async (type) => expect((await post('{}', { 'content-type': type })).status).toBe(200));

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/merge-patch+json',
    'application/jsonx',
    'json',
    'application/json; charset=iso-8859-1',
    'application/json; charset=utf-16',
  ])('415 for %s', async (type) => {
    expect(word(await post('{}', { 'content-type': type }))).toBe('415 unsupported-media-type');
  });

  test('415 for a body without Content-Type', async () => {
    const answer = await rawHttp(
      service.port,
      'POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 415 [\s\S]*unsupported-media-type/);
  });

  test('what is accepted is told', async () => {
    const told = await post('{}', { 'content-type': 'text/plain' });
    expect(told.body.detail).toContain('application/json');
    expect(told.headers.get('accept')).toBe('application/json');
  });
});

describe('JSON', () => {
  test.each(['{', '{"a":}', "{'a':1}", '{"a":1}x', '[1,]', 'NaN', '{"a":01}', ' ', '\u00a0{}', '// x\n{}'])(
    '400 invalid-json for %s',
    async (text) => {
      const told = await post(text);
      expect(word(told)).toBe('400 invalid-json');
      expect(told.body.detail).toBe('The body is not JSON (RFC 8259).');
    },
  );

  test('400 invalid-json for what is not UTF-8', async () => {
    for (const bytes of [
      [0xff, 0xfe, 0x22, 0x00],
      [0x22, 0xc3, 0x28, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
    ]) {
      const told = await post(new Uint8Array(bytes));
      expect([word(told), told.body.detail]).toEqual(['400 invalid-json', 'The body is not UTF-8.']);
    }
  });

  test('a byte order mark is ignored', async () => {
    expect((await post('\ufeff{"a":1}')).body.body).toEqual({ a: 1 });
  });

  test('422 for 30,000 levels, 33 too; 32 are read, and brackets in texts count nothing', async () => {
    const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    for (const levels of [33, 30_000]) {
      const told = await post(nested(levels));
      expect(word(told)).toBe('422 invalid-request');
      expect(told.body.errors).toEqual([
        { pointer: '#', detail: 'must not be nested deeper than 32 levels' },
      ]);
    }
    expect((await post(`${'{"a":'.repeat(33)}1${'}'.repeat(33)}`)).status).toBe(422);
    expect((await post(nested(32))).status).toBe(200);
    expect((await post(JSON.stringify({ a: '[{"\\'.repeat(100) }))).status).toBe(200);
    // Never closed: no JSON, and found out without recursion.
    expect(word(await post('['.repeat(100_000)))).toBe('422 invalid-request');
  });

  test('no body is no JSON value: required where one is, fine where none is', async () => {
    expect((await post(undefined)).body).toEqual({});
    const told = await post(undefined, {}, '/things');
    expect([word(told), told.body.errors]).toEqual([
      '422 invalid-request',
      [{ pointer: '#', detail: 'is required' }],
    ]);
  });

  test('__proto__ is refused by name, and changes nothing', async () => {
    const told = await post('{"name":"x","__proto__":{"admin":true}}', {}, '/things');
    expect(told.body.errors).toEqual([{ pointer: '#/__proto__', detail: 'is not known here' }]);
    expect({}).not.toHaveProperty('admin');
  });
});

test('a client that goes away in the middle of its body harms nobody', async () => {
  const before = service.logged().length;
  const socket = connect(service.port, '127.0.0.1');
  await new Promise<void>((resolve) => {
    socket.write(
      'POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"name":',
      () => resolve(),
    );
  });
  await eventually(async () =>
    expect((await service.api.get('/metrics')).text).toMatch(/^http_requests_in_flight\{.*\} 1$/m),
  );
  socket.destroy();
  await eventually(async () => {
    const lines = service
      .logged()
      .slice(before)
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    const line = lines.find(({ status }) => status === 499);
    expect(line).toMatchObject({ route: '/things', level: 'info' });
    expect(line).not.toHaveProperty('problem');
  });
  await eventually(async () =>
    expect((await service.api.get('/metrics')).text).toMatch(/^http_requests_in_flight\{.*\} 0$/m),
  );
});
