import type pg from 'pg';
import { type Caller, openCaller } from './load.ts';

/** What a client was told; nothing, when its connection was lost. */
export interface Told {
  status: number | 'lost';
  /** The word of a problem. */
  problem?: string | undefined;
  retryAfter?: string | undefined;
  body: Readonly<Record<string, unknown>>;
  /** The body, byte for byte. */
  text: string;
  tookMs: number;
}

type Method = Parameters<Caller['call']>[0];

interface Request {
  path: string;
  body?: object | undefined;
  key?: string | undefined;
}

const LOST = { status: 'lost', body: {}, text: '' } as const;

/** A client that remembers what it was told, so that it can be compared with what is true in the end. */
export function createClient() {
  const history: (Request & Told)[] = [];
  const callers = new Map<string, Caller>();

  const call = async (url: string, method: Method, request: Request): Promise<Told> => {
    const caller = callers.get(url) ?? openCaller(url);
    callers.set(url, caller);
    const { path, body, key } = request;
    const started = performance.now();
    const took = () => performance.now() - started;
    const told: Told = await caller
      .call(method, path, body, key === undefined ? {} : { 'idempotency-key': key })
      .then(
        ({ status, problem, headers, text }) => ({
          status,
          problem,
          retryAfter: headers['retry-after']?.toString(),
          body: text.startsWith('{') ? JSON.parse(text) : {},
          text,
          tookMs: took(),
        }),
        () => ({ ...LOST, tookMs: took() }),
      );
    history.push({ ...request, ...told });
    return told;
  };

  return {
    call,
    get: (url: string, path: string) => call(url, 'GET', { path }),
    post: (url: string, path: string, body: object = {}, key?: string) =>
      call(url, 'POST', { path, body, key }),
    /** What was told and is not true, of a patient service's quiet database. */
    lies: async (db: pg.Client): Promise<string[]> => {
      const { rows } = await db.query<{ id: string; status: string }>('select id, status from appointments');
      return findLies(history, new Map(rows.map(({ id, status }) => [id, status])));
    },
    close: async () => {
      for (const caller of callers.values()) await caller.close();
    },
  };
}

export type Client = ReturnType<typeof createClient>;

/** Every 201 exists unless a cancellation was told, nothing refused is booked, and one key made one appointment. */
function findLies(history: readonly (Request & Told)[], statuses: ReadonlyMap<string, string>): string[] {
  const lies: string[] = [];
  const cancelled = new Set(
    history
      .filter(({ path, status }) => path.endsWith('/cancel') && status === 200)
      .map(({ body }) => body.id),
  );
  const idsOfKey = new Map<string, Set<unknown>>();
  for (const { path, key, status, problem, body } of history) {
    if (path !== '/appointments') continue;
    const id = String(body.id ?? body.appointmentId);
    const present = statuses.get(id);
    if (status === 201 && (present === undefined || present === 'rejected'))
      lies.push(`a booking that was told is ${present ?? 'not there'}`);
    if (status === 201 && present === 'cancelled' && !cancelled.has(id))
      lies.push('a booking that was told is cancelled');
    if (status === 202 && present === undefined) lies.push('a pending booking that was told is not there');
    if (status === 409 && body.appointmentId !== undefined && present !== 'rejected')
      lies.push(`a booking that was refused (${problem}) is ${present}`);
    if (key === undefined || (body.id ?? body.appointmentId) === undefined) continue;
    idsOfKey.set(key, (idsOfKey.get(key) ?? new Set()).add(id));
  }
  for (const ids of idsOfKey.values()) if (ids.size > 1) lies.push('a key made two appointments');
  return lies;
}
