import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import { eventually } from '../../testing/eventually.ts';
import { rawHttp } from '../../testing/raw-http.ts';
import type { TestService } from '../../testing/service.ts';
import { startThings, type Trouble } from '../../testing/things.ts';
import { closeServer, listen } from './server.ts';

const trouble: Partial<Trouble> = {};
let service: TestService;
beforeAll(async () => {
  service = await startThings(trouble);
});
afterAll(() => service.stop());

/** Status, headers and body of the last answer in what came back. */
function parse(answer: string): { status: number; type: string; body: Record<string, unknown> } {
  const [head = '', text = ''] = answer.slice(answer.lastIndexOf('HTTP/1.1 ')).split('\r\n\r\n');
  return {
    status: Number(head.slice(9, 12)),
    type: /^content-type: (.*)$/im.exec(head)?.[1] ?? '',
    body: JSON.parse(text),
  };
}

const get = (rest: string) => `GET /things HTTP/1.1\r\nHost: x\r\n${rest}`;

describe('what the parser refuses is a problem too', () => {
  test.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400, 'malformed-request'],
    ['an unknown method', 'FETCH /things HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'malformed-request'],
    ['a header without a name', get(': x\r\n\r\n'), 400, 'malformed-request'],
    ['two lengths', get('Content-Length: 1\r\nContent-Length: 2\r\n\r\n'), 400, 'malformed-request'],
    [
      'a length and chunks, as smugglers send them',
      get('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
      400,
      'malformed-request',
    ],
    ['headers of 20 kB', get(`X-Long: ${'x'.repeat(20_000)}\r\n\r\n`), 431, 'headers-too-large'],
    ['a path of 20 kB', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, 'headers-too-large'],
  ])('%s', async (_what, bytes, status, word) => {
    const answer = await rawHttp(service.port, bytes);
    expect(parse(answer)).toEqual({
      status,
      type: 'application/problem+json',
      body: expect.objectContaining({ type: `urn:problem-type:${word}`, status }),
    });
    expect(answer).toMatch(/^connection: close$/im);
    expect(answer).toMatch(/^cache-control: no-store$/im);
  });

  test('HTTP/1.1 without Host is refused, 1.0 without it is answered', async () => {
    expect(
      parse(await rawHttp(service.port, 'GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n')),
    ).toMatchObject({ status: 400, body: { type: 'urn:problem-type:malformed-request' } });
    expect(await rawHttp(service.port, 'GET /livez HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('more headers than anyone needs harm nobody', async () => {
    const many = Array.from({ length: 2_000 }, (_, index) => `a${index}: 1\r\n`).join('');
    expect(await rawHttp(service.port, get(`${many}Connection: close\r\n\r\n`))).toMatch(
      /^HTTP\/1\.1 (200|431) /,
    );
  });

  test('chunks that are none end the request that they belong to', async () => {
    const answer = await rawHttp(
      service.port,
      'POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    );
    expect(parse(answer).status).toBe(400);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });
});

test('rubbish after a request that is being answered is not taken for its answer', async () => {
  let release: () => void = () => undefined;
  const started = new Promise<void>((resolve) => {
    trouble.wait = () =>
      new Promise((done) => {
        release = done;
        resolve();
      });
  });
  const answers = rawHttp(
    service.port,
    'GET /trouble/wait HTTP/1.1\r\nHost: x\r\n\r\n\r\n\r\nrubbish\r\n\r\n',
  ).catch(() => '');
  await started;
  release();
  expect(await answers).not.toMatch(/^HTTP\/1\.1 400 /);
  delete trouble.wait;
});

test('a client that does not hang up after a refusal is hung up on', async () => {
  const socket = connect({ port: service.port, host: '127.0.0.1', allowHalfOpen: true });
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('error', () => undefined).resume();
  const chatter = setInterval(() => socket.write('hello\r\n\r\n'), 50);
  await closed;
  clearInterval(chatter);
});

test('an idle connection is kept as long as the proxy in front may need it', async () => {
  const headers = await eventually(async () => (await fetch(`${service.url}/livez`)).headers);
  expect(headers.get('keep-alive')).toBe('timeout=95');
});

describe('closing', () => {
  const open = async (listener: RequestListener) =>
    listen({ listener, port: 0, host: '127.0.0.1', keepAliveTimeoutMs: 95_000 });

  test('waits for an answer, and tells that it came in time', async () => {
    let answer: (() => void) | undefined;
    const { server, port } = await open((_req, res) => {
      answer = () => res.end('late');
    });
    const asked = fetch(`http://127.0.0.1:${port}`);
    await eventually(async () => expect(answer).toBeDefined());
    const closing = closeServer(server);
    answer?.();
    expect(await (await asked).text()).toBe('late');
    expect(await closing).toEqual({ inTime: true });
  });

  test('cuts off at the deadline what has no answer', async () => {
    let isAsked = false;
    const { server, port } = await open(() => {
      isAsked = true;
    });
    const asked = fetch(`http://127.0.0.1:${port}`).catch((error: unknown) => error);
    await eventually(async () => expect(isAsked).toBe(true));
    expect(await closeServer(server, 100)).toEqual({ inTime: false });
    expect(await asked).toMatchObject({ message: 'fetch failed' });
  });

  test('does not wait for connections on which nothing was asked', async () => {
    const { server, port } = await open((_req, res) => res.end());
    const sockets = Array.from({ length: 5 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    const started = performance.now();
    expect(await closeServer(server)).toEqual({ inTime: true });
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
