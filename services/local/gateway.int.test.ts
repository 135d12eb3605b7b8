import { createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { type Gateway, startGateway } from './gateway.ts';
import { freePort } from './ports.ts';

const routes = [
  { path: '/patients', service: 'patient', port: 'http' },
  { path: '/doctors', service: 'doctor', port: 'http' },
];

interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

let seen: Seen[] = [];
let behave: RequestListener = (_req, res) => res.end('ok');
let service: Server;
let gateway: Gateway;
let base: string;

beforeAll(async () => {
  service = createServer(async (req, res) => {
    const body = Buffer.from(await text(req.setEncoding('latin1')), 'latin1');
    seen.push({ method: req.method ?? '', url: req.url ?? '', headers: req.headers, body });
    behave(req, res);
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const { port } = service.address() as AddressInfo;
  const nobody = await freePort();
  gateway = await startGateway({
    port: 0,
    routes,
    addressOf: (name) => `http://127.0.0.1:${name === 'patient' ? port : nobody}`,
    answerTimeoutMs: 300,
  });
  base = `http://127.0.0.1:${gateway.port}`;
});

afterAll(async () => {
  await gateway.stop();
  service.closeAllConnections();
  service.close();
});

beforeEach(() => {
  seen = [];
  behave = (_req, res) => res.end('ok');
});

describe('a routed request', () => {
  test('reaches the service with method, path, query, headers and body as they were sent', async () => {
    const body = gzipSync('{"familyName":"Nguyễn"}');
    await fetch(`${base}/patients/1?search=%E1%BB%85&identifier=a%7Cb`, {
      method: 'PUT',
      headers: { 'content-encoding': 'gzip', 'if-match': '"3"' },
      body,
    });
    expect(seen).toMatchObject([
      { method: 'PUT', url: '/patients/1?search=%E1%BB%85&identifier=a%7Cb', body },
    ]);
    expect(seen[0]?.headers).toMatchObject({ 'if-match': '"3"', host: `127.0.0.1:${gateway.port}` });
  });

  test("brings the service's answer back: status, headers and body", async () => {
    behave = (_req, res) => res.writeHead(201, { location: '/patients/1', etag: '"1"' }).end('{"id":"1"}');
    const answer = await fetch(`${base}/patients`, { method: 'POST', body: '{}' });
    expect([answer.status, answer.headers.get('location'), answer.headers.get('etag')]).toEqual([
      201,
      '/patients/1',
      '"1"',
    ]);
    expect(await answer.text()).toBe('{"id":"1"}');
  });

  test('says who really asked, whatever the client claims', async () => {
    await fetch(`${base}/patients`, {
      headers: {
        'x-forwarded-for': '203.0.113.9',
        'x-forwarded-host': 'evil.example',
        forwarded: 'for=203.0.113.9',
      },
    });
    const { headers } = seen[0] ?? { headers: {} };
    expect(headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': `127.0.0.1:${gateway.port}`,
      'x-forwarded-proto': 'http',
    });
    expect(headers).not.toHaveProperty('forwarded');
  });

  test('a chunked DELETE carries no second request past the route table', async () => {
    const hidden = 'PUT /reservations/1 HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n';
    const chunk = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
    const socket = connect(gateway.port, '127.0.0.1');
    socket.write(
      `DELETE /patients/1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n${chunk}`,
    );
    await text(socket);
    expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual(['DELETE /patients/1']);
    expect(seen[0]?.body.toString()).toBe(hidden);
  });
});

describe('problems of the gateway itself', () => {
  test.each(['/reservations/1', '/metrics', '/', '/patientsandmore'])(
    '404 not-found for %s, which nothing routes',
    async (path) => {
      const id = '01981d2e-7b1a-7c39-9e6b-0d7a4c1f2e3b';
      const answer = await fetch(`${base}${path}`, {
        method: 'POST',
        body: '{}',
        headers: { 'x-request-id': id },
      });
      expect(answer.status).toBe(404);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(await answer.json()).toEqual({
        type: 'urn:problem-type:not-found',
        title: 'Not found',
        status: 404,
        detail: 'The gateway has no route for this path.',
        instance: `urn:uuid:${id}`,
      });
      expect(seen).toEqual([]);
    },
  );

  test('503 unavailable with Retry-After when nobody listens behind the path', async () => {
    const answer = await fetch(`${base}/doctors`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await answer.json()).toMatchObject({ type: 'urn:problem-type:unavailable', status: 503 });
  });

  test('503 unavailable when the service is silent for too long', async () => {
    behave = () => undefined;
    const answer = await fetch(`${base}/patients`);
    expect(answer.status).toBe(503);
  });

  test('an answer that breaks off is broken for the client too, at once', async () => {
    behave = (_req, res) => {
      res.writeHead(200, { 'content-length': '100' }).write('half');
      setImmediate(() => res.destroy());
    };
    await expect(fetch(`${base}/patients`).then((answer) => answer.text())).rejects.toThrow();
  });
});

test('stopping answers what is in flight and takes nothing new', async () => {
  let finish = () => {};
  const arrived = new Promise<void>((resolve) => {
    behave = (_req, res) => {
      finish = () => res.end('late');
      resolve();
    };
  });
  const own = await startGateway({
    port: 0,
    routes,
    addressOf: () => `http://127.0.0.1:${(service.address() as AddressInfo).port}`,
  });
  const answer = fetch(`http://127.0.0.1:${own.port}/patients`);
  await arrived;
  const stopped = own.stop();
  await expect(fetch(`http://127.0.0.1:${own.port}/patients`)).rejects.toThrow();
  finish();
  expect(await (await answer).text()).toBe('late');
  await stopped;
});

test('a connection to the service is used again', async () => {
  const sockets = new Set<unknown>();
  behave = (req, res) => {
    sockets.add(req.socket.remotePort);
    res.end();
  };
  for (let index = 0; index < 5; index += 1) {
    await new Promise((resolve) =>
      request(`${base}/patients`, (res) => res.resume().once('end', resolve)).end(),
    );
  }
  expect(sockets.size).toBe(1);
});
