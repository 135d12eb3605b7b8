import { setTimeout as sleep } from 'node:timers/promises';
import { CannotStart } from './cannot-start.ts';

export interface Answer {
  status: number;
  body: unknown;
}

/** Talks to our own HTTP API; asks again as long as there is no answer, or one that says to. */
export interface ApiClient {
  get: (path: string) => Promise<Answer>;
  put: (path: string, body: object) => Promise<Answer>;
  /** The Idempotency-Key makes it safe to ask again. */
  post: (path: string, body: object, key: string) => Promise<Answer>;
}

const PATIENCE_MS = 30_000;
const ANSWER_TIMEOUT_MS = 10_000;

/** @param token of every call, where one is asked for */
export function apiClient(baseUrl: string, signal: AbortSignal, token?: string): ApiClient {
  const call = async (method: string, path: string, body?: object, key?: string): Promise<Answer> => {
    const headers = {
      ...(body && { 'content-type': 'application/json' }),
      ...(key !== undefined && { 'idempotency-key': key }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    for (const giveUpAt = Date.now() + PATIENCE_MS; ; await sleep(250, undefined, { signal })) {
      try {
        const response = await fetch(`${baseUrl}${path}`, {
          method,
          headers,
          ...(body && { body: JSON.stringify(body) }),
          signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
        });
        const text = await response.text();
        const answer = { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
        if (!asksForPatience(answer) || Date.now() > giveUpAt) return answer;
      } catch (error) {
        if (signal.aborted || Date.now() > giveUpAt) throw error;
      }
    }
  };
  return {
    get: (path) => call('GET', path),
    put: (path, body) => call('PUT', path, body),
    post: (path, body, key) => call('POST', path, body, key),
  };
}

/** The word of a problem, such as `slot-taken`; undefined for an answer that is none. */
export function problemOf({ body }: Answer): string | undefined {
  const type = (body as { type?: unknown } | undefined)?.type;
  return typeof type === 'string' ? type.split(':').at(-1) : undefined;
}

const asksForPatience = (answer: Answer): boolean =>
  answer.status === 503 || problemOf(answer) === 'request-in-progress';

/** Resolves when a service says that it is ready. */
export async function untilReady(baseUrl: string, signal: AbortSignal): Promise<void> {
  let last = 'no answer';
  for (const giveUpAt = Date.now() + PATIENCE_MS; Date.now() < giveUpAt; ) {
    const response = await fetch(`${baseUrl}/readyz`, { signal }).catch(() => undefined);
    if (response?.ok) return;
    last = response ? await response.text() : 'no answer';
    await sleep(25, undefined, { signal });
  }
  throw new CannotStart(`${baseUrl}/readyz was not ready after ${PATIENCE_MS / 1000} s: ${last}`);
}
