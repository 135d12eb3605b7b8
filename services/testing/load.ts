import { Pool } from 'undici';

export interface Reply {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  text: string;
  /** The word of a problem, such as `slot-taken`. */
  problem: string | undefined;
}

export interface Caller {
  /** One call, without a retry; the body is sent as JSON. */
  call: (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
    headers?: object,
  ) => Promise<Reply>;
  close: () => Promise<void>;
}

/**
 * Calls a service over many connections that are kept; supertest opens one for each call.
 * @param timeoutMs after which a call is given up; five minutes if undefined
 */
export function openCaller(url: string, connections = 64, timeoutMs?: number): Caller {
  const timeouts = timeoutMs === undefined ? {} : { headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
  const pool = new Pool(url, { connections, pipelining: 1, ...timeouts });
  return {
    call: async (method, path, body, headers = {}) => {
      const answer = await pool.request({
        method,
        path,
        headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await answer.body.text();
      const problem = /"type":"urn:problem-type:([a-z-]+)"/.exec(text)?.[1];
      return { status: answer.statusCode, headers: answer.headers, text, problem };
    },
    close: () => pool.close(),
  };
}

/** Works on all items, at most `clients` of them at once, in order; the results keep it too. */
export async function inParallel<Item, Result>(
  clients: number,
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const client = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item, index);
  };
  await Promise.all(Array.from({ length: clients }, client));
  return results;
}

/** How often each answer came: `201`, `409 slot-taken`. */
export function countAnswers(replies: readonly Reply[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, problem } of replies) {
    const answer = problem === undefined ? `${status}` : `${status} ${problem}`;
    counts[answer] = (counts[answer] ?? 0) + 1;
  }
  return counts;
}

/**
 * Lets a service open so many connections to its database, a few at a time, before it comes under load: opening all of them at once
 * takes longer than a request waits.
 */
export async function warmUp({ call }: Caller, path: string, connections: number): Promise<void> {
  for (let count = 2; count <= connections; count += 2) {
    for (let tries = 1; ; tries += 1) {
      const replies = await inParallel(count, Array(count).fill(path), (each) => call('GET', each));
      if (replies.every(({ status }) => status === 200)) break;
      if (tries === 10) throw new Error(`GET ${path} is not answered ${count} times at once`);
    }
  }
}
