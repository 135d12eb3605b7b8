import { connect, type Socket } from 'node:net';
import { endOfAnswer, type LoadOptions, type LoadResult } from './load.ts';

/** Requests that may wait for their answers; beyond them a scheduled one is counted as `unsent`. */
const MAX_OUTSTANDING = 1_000;

interface Connection {
  socket: Socket;
  received: string;
  /** When its request should have been sent; what the latency is counted from. */
  intended: number;
}

/**
 * An open loop: requests leave on a schedule, whether the earlier ones were answered or not, each on a connection that is idle. The
 * latency counts from the intended time, so that what waited for a late generator or for a connection is not left out.
 */
export async function openLoop({
  port,
  perSecond,
  seconds,
  next,
}: Omit<LoadOptions, 'connections'> & { perSecond: number }): Promise<LoadResult> {
  const statuses: Record<string, number> = {};
  const latenciesMs: number[] = [];
  const answeredAs: string[] = [];
  const idle: Connection[] = [];
  const open = new Set<Connection>();
  let failed: Error | undefined;
  const count = (status: string) => {
    statuses[status] = (statuses[status] ?? 0) + 1;
  };

  const connection = (): Connection => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const each: Connection = { socket, received: '', intended: 0 };
    open.add(each);
    socket.setEncoding('latin1');
    socket.setTimeout(30_000, () => socket.destroy(new Error('no answer within 30 s')));
    socket.once('error', (error) => {
      failed = error;
    });
    socket.once('close', () => open.delete(each));
    socket.on('data', (chunk: string) => {
      each.received += chunk;
      const answered = endOfAnswer(each.received);
      if (answered < 0) return;
      const status = each.received.slice(9, 12);
      count(status);
      answeredAs.push(status);
      each.received = each.received.slice(answered);
      latenciesMs.push(performance.now() - each.intended);
      idle.push(each);
    });
    return each;
  };

  const started = performance.now();
  const total = Math.floor(perSecond * seconds);
  let sent = 0;
  const pause = () => new Promise((resolve) => setTimeout(resolve, 1));
  while (sent < total && failed === undefined) {
    const due = Math.min(total, Math.ceil(((performance.now() - started) / 1000) * perSecond));
    for (; sent < due; sent += 1) {
      if (open.size - idle.length >= MAX_OUTSTANDING) {
        count('unsent');
        continue;
      }
      const free = idle.pop() ?? connection();
      free.intended = started + (sent / perSecond) * 1000;
      free.socket.write(next());
    }
    await pause();
  }
  while (open.size > idle.length && failed === undefined) await pause();
  const took = (performance.now() - started) / 1000;
  for (const { socket } of open) socket.destroy();
  if (failed !== undefined) throw failed;
  return {
    perSecond: latenciesMs.length / took,
    statuses,
    latenciesMs,
    answered: answeredAs,
    seconds: took,
  };
}

/** The value that a share of the values is not above. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
};
