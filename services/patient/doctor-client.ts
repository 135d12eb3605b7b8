import { type Dispatcher, errors, Pool } from 'undici';
import { contextHeaders, contextOf, currentContext } from '../shared/log/context.ts';
import { isRefusalReason, type RefusalReason } from './appointments/refusal.ts';

/** What an appointment wants of a doctor's calendar; without a doctor it wants its time back. */
export interface Wish {
  appointmentId: string;
  revision: number;
  wanted: { doctorId: string; startsAt: string; endsAt: string } | null;
}

/**
 * Only `granted` and `refused` are answers. `contradicted` says that the other side knows another story of this revision.
 * `unanswered` is "unknown", never "no": the same revision must be asked again. `away` tells whether nobody is there at all
 * (lost connection, timeout, 503); anything else is a defect on either side.
 */
export type DoctorAnswer =
  | { kind: 'granted' }
  | { kind: 'refused'; reason: RefusalReason }
  | { kind: 'contradicted'; by: 'superseded' | 'revision-mismatch' }
  | { kind: 'unanswered'; away: boolean };

/** What the doctor service holds of an appointment; instants as RFC 3339 text. */
export interface Reserved {
  appointmentId: string;
  /** The newest that was answered there. */
  revision: number;
  active: { doctorId: string; startsAt: string; endsAt: string } | undefined;
}

export interface DoctorClient {
  /** One try, one deadline, no retry of its own. Never throws. */
  ask: (wish: Wish) => Promise<DoctorAnswer>;
  /** What the doctor service holds of every appointment, by id. @throws Error when it does not say */
  listReservations: () => AsyncGenerator<Reserved>;
  close: () => Promise<void>;
}

export interface DoctorClientOptions {
  url: string;
  /** The token to be known by, fresh for each try; undefined where nobody asks for one. */
  token?: () => string | undefined;
  /** Told about every try: the seconds it took, and what came of it. */
  onAnswer: (answer: DoctorAnswer, seconds: number) => void;
  /** Told about an answer that is neither an answer nor an absence. */
  onUnexpected: (what: string) => void;
}

/** Below the 1.5 s in which a booking must be answered, whoever is away. */
const DEADLINE_MS = 1_000;
const CONNECTIONS = 32;
/** More calls than this at once are not even tried: a silent doctor service must not hold every request here. */
const MAX_CALLS = 128;

/** Reservations in one answer: as many as the contract allows. */
const PAGE = 200;

interface ReservationPage {
  items: readonly ({
    appointmentId: string;
    revision: number;
    state: string;
    active?: Reserved['active'];
  } & NonNullable<Reserved['active']>)[];
  nextCursor: string | null;
}

const AWAY: DoctorAnswer = { kind: 'unanswered', away: true };
const UNEXPECTED: DoctorAnswer = { kind: 'unanswered', away: false };

/** The word of a problem document, if the text is one. */
function problemWord(text: string): string | undefined {
  try {
    const { type } = JSON.parse(text) as { type?: unknown };
    return typeof type === 'string' ? /^urn:problem-type:([a-z-]+)$/.exec(type)?.[1] : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a text is the reservation that was asked for; a proxy may answer 200 with anything. */
function isReservationOf({ appointmentId, revision }: Wish, text: string): boolean {
  try {
    const body = JSON.parse(text) as { appointmentId?: unknown; revision?: unknown; state?: unknown };
    return body.appointmentId === appointmentId && body.revision === revision && body.state === 'active';
  } catch {
    return false;
  }
}

function interpret(wish: Wish, status: number, text: string): DoctorAnswer {
  if (wish.wanted === null && status === 204) return { kind: 'granted' };
  if (wish.wanted !== null && (status === 200 || status === 201) && isReservationOf(wish, text))
    return { kind: 'granted' };
  if (status === 503) return AWAY;
  const word = status === 409 ? problemWord(text) : undefined;
  if (word === 'superseded' || word === 'revision-mismatch') return { kind: 'contradicted', by: word };
  if (word !== undefined && wish.wanted !== null && isRefusalReason(word))
    return { kind: 'refused', reason: word };
  return UNEXPECTED;
}

const LOST = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

function isAbsence(error: unknown): boolean {
  // By its name and code: an error of Node's own is no `instanceof Error` where the code runs in a context, as under jest.
  const { name, code } = error as NodeJS.ErrnoException;
  return (
    error instanceof errors.ConnectTimeoutError ||
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError ||
    error instanceof errors.SocketError ||
    name === 'TimeoutError' ||
    LOST.has(code ?? '')
  );
}

/** The doctor service, asked for time. */
export function openDoctorClient({
  url,
  token = () => undefined,
  onAnswer,
  onUnexpected,
}: DoctorClientOptions): DoctorClient {
  const { origin, pathname } = new URL(url);
  const prefix = pathname.replace(/\/$/, '');
  const pool = new Pool(origin, {
    connections: CONNECTIONS,
    pipelining: 1,
    connect: { timeout: DEADLINE_MS },
    headersTimeout: DEADLINE_MS,
    bodyTimeout: DEADLINE_MS,
    maxResponseSize: 100 * 1024,
  });
  let calls = 0;

  const callHeaders = (): Record<string, string> => {
    const bearer = token();
    return {
      ...contextHeaders(currentContext() ?? contextOf(undefined, undefined)),
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    };
  };

  const call = async (wish: Wish): Promise<DoctorAnswer> => {
    const { appointmentId, revision, wanted } = wish;
    const path = `${prefix}/reservations/${appointmentId}`;
    const headers = callHeaders();
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const { statusCode, body } = await (wanted === null
      ? pool.request({ method: 'DELETE', path: `${path}?revision=${revision}`, headers, signal })
      : pool.request({
          method: 'PUT',
          path,
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify({ ...wanted, revision }),
          signal,
        }));
    const text = await body.text();
    const answer = interpret(wish, statusCode, text);
    if (answer === UNEXPECTED) onUnexpected(`status ${statusCode} ${problemWord(text) ?? ''}`.trim());
    return answer;
  };

  return {
    ask: async (wish) => {
      if (calls >= MAX_CALLS) return AWAY;
      calls += 1;
      const started = performance.now();
      let answer: DoctorAnswer;
      try {
        answer = await call(wish);
      } catch (error) {
        answer = isAbsence(error) ? AWAY : UNEXPECTED;
        if (answer === UNEXPECTED) onUnexpected(error instanceof Error ? error.name : 'unknown error');
      } finally {
        calls -= 1;
      }
      onAnswer(answer, (performance.now() - started) / 1000);
      return answer;
    },
    async *listReservations() {
      for (let cursor: string | null = ''; cursor !== null; ) {
        const { statusCode, body }: Dispatcher.ResponseData = await pool.request({
          method: 'GET',
          path: `${prefix}/reservations?limit=${PAGE}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
          headers: callHeaders(),
        });
        const text = await body.text();
        if (statusCode !== 200)
          throw new Error(`the doctor service answered GET /reservations with ${statusCode}`);
        const { items, nextCursor } = JSON.parse(text) as ReservationPage;
        for (const { appointmentId, revision, state, active, ...time } of items)
          yield { appointmentId, revision, active: state === 'active' ? time : active };
        cursor = nextCursor;
      }
    },
    close: () => pool.destroy(),
  };
}
