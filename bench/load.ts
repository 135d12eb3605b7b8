import { connect, type Socket } from 'node:net';

export interface LoadOptions {
  port: number;
  connections: number;
  seconds: number;
  /** How long it runs before that; what is answered then does not count. */
  leadSeconds?: number;
  /** The next request, whole: request line, headers and body. */
  next: () => string;
}

export interface LoadResult {
  perSecond: number;
  /** How often each status was answered, in the lead too. */
  statuses: Readonly<Record<string, number>>;
  latenciesMs: readonly number[];
  /** The status that came after each of `latenciesMs`. */
  answered: readonly string[];
  /** How long it took until the last was answered. */
  seconds: number;
}

/** The end of the first answer in the bytes, by its Content-Length, or -1 while it is not whole. */
export function endOfAnswer(bytes: string): number {
  const headers = bytes.indexOf('\r\n\r\n');
  if (headers < 0) return -1;
  const length = /content-length: (\d+)/i.exec(bytes.slice(0, headers));
  const end = headers + 4 + Number(length?.[1] ?? 0);
  return bytes.length >= end ? end : -1;
}

/**
 * A closed loop: each connection sends its next request when the last one was answered. Raw sockets, because the generator shares
 * the cores with what it measures. Answers must be ASCII, with a Content-Length.
 */
export async function closedLoop({
  port,
  connections,
  seconds,
  leadSeconds = 0,
  next,
}: LoadOptions): Promise<LoadResult> {
  const statuses: Record<string, number> = {};
  const latenciesMs: number[] = [];
  const each: string[] = [];
  const started = performance.now() + leadSeconds * 1000;
  const end = started + seconds * 1000;

  const client = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let received = '';
      let sent = 0;
      const send = (): void => {
        sent = performance.now();
        socket.write(next());
      };
      socket.setEncoding('latin1');
      socket.setTimeout(30_000, () => socket.destroy(new Error('no answer within 30 s')));
      socket.once('connect', send);
      socket.once('error', reject);
      socket.once('close', () => resolve());
      socket.on('data', (chunk: string) => {
        received += chunk;
        const answered = endOfAnswer(received);
        if (answered < 0) return;
        const status = received.slice(9, 12);
        received = received.slice(answered);
        statuses[status] = (statuses[status] ?? 0) + 1;
        const now = performance.now();
        if (now >= started) {
          latenciesMs.push(now - sent);
          each.push(status);
        }
        if (now < end) send();
        else socket.end();
      });
    });

  await Promise.all(Array.from({ length: connections }, client));
  const took = (performance.now() - started) / 1000;
  return {
    perSecond: latenciesMs.length / took,
    statuses,
    latenciesMs,
    answered: each,
    seconds: took,
  };
}

export const getRequest = (path: string, headers: Readonly<Record<string, string>> = {}): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: bench',
    'Accept: application/json',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '\r\n',
  ].join('\r\n');

export function postRequest(path: string, body: object): string {
  const json = JSON.stringify(body);
  return `POST ${path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};
