import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

export interface Answer {
  status: number;
  body: unknown;
}

export interface ApiClient {
  get: (path: string) => Promise<Answer>;
  put: (path: string, body: object) => Promise<Answer>;
  /** The key makes it safe to send again what got no answer. */
  post: (path: string, body: object, key: string) => Promise<Answer>;
}

/** An answer that the caller did not foresee. */
export class UnexpectedAnswer extends Error {
  override name = 'UnexpectedAnswer';
}

const ATTEMPTS = 5;
const ANSWER_TIMEOUT_MS = 10_000;

/** Talks to our own HTTP API; asks again when there is no answer or a 503. */
export function apiClient(baseUrl: string, signal: AbortSignal): ApiClient {
  const call = async (method: string, path: string, body?: object, key?: string): Promise<Answer> => {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await fetch(`${baseUrl}${path}`, {
        method,
        headers: {
          ...(body && { 'content-type': 'application/json' }),
          ...(key !== undefined && { 'idempotency-key': key }),
        },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
      }).catch((error: unknown) => {
        if (signal.aborted || attempt === ATTEMPTS) throw error;
        return undefined;
      });
      if (answer && (answer.status !== 503 || attempt === ATTEMPTS)) {
        const text = await answer.text();
        return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
      }
      await sleep(200 * attempt, undefined, { signal });
    }
  };
  return {
    get: (path) => call('GET', path),
    put: (path, body) => call('PUT', path, body),
    post: (path, body, key) => call('POST', path, body, key),
  };
}
