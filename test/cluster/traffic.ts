import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reply } from '../../services/testing/load.ts';
import type { Clinic } from './clinic.ts';

type Operation = 'read' | 'book' | 'reschedule' | 'cancel';

export interface Failure {
  operation: Operation;
  /** After the traffic began, in milliseconds. */
  startedAt: number;
  endedAt: number;
  /** The status, or the error of the connection. */
  answer: string;
  isProblem: boolean;
  /** The same request once more; a booking with the same key. */
  repeat: (() => Promise<Reply>) | undefined;
}

export interface Report {
  seconds: number;
  requests: number;
  /** How often each answer came: `book 201`. */
  answers: Record<string, number>;
  /** No answer, or one of 500 and above. */
  failures: Failure[];
  /** Ids of appointments that were answered 201 or 202. */
  acknowledged: string[];
  p99Ms: number;
}

export interface Traffic {
  /** So far, in milliseconds. */
  elapsed: () => number;
  failureCount: () => number;
  stop: () => Promise<Report>;
}

interface Booked {
  id: string;
  patientId: string;
}

const MAX_IN_FLIGHT = 200;
/** A clinic's morning takes longer to begin; a process that has just started is slow until its code is compiled. */
export const RAMP_MS = 5_000;

/** How many requests are due after so long, when the rate grows to its full height first. */
const dueAfter = (ms: number, perSecond: number): number =>
  (perSecond / 1_000) * (ms < RAMP_MS ? ms ** 2 / (2 * RAMP_MS) : ms - RAMP_MS / 2);

/** Of ten requests five read, three book, one reschedules, one cancels. */
const TURNS: readonly Operation[] = [
  'book',
  'read',
  'book',
  'read',
  'reschedule',
  'read',
  'book',
  'read',
  'cancel',
  'read',
];

/** What a client of the clinic asks, by turns. `bookings` holds what may be read, moved and cancelled. */
function asker({ caller, doctors, nextVisit }: Clinic, bookings: Booked[], acknowledged: string[]) {
  let turn = 0;
  const some = <Item>(items: readonly Item[]): Item | undefined => items[turn % items.length];
  const booker = (): (() => Promise<Reply>) => {
    const visit = nextVisit();
    const headers = { 'idempotency-key': randomUUID() };
    return () => caller.call('POST', '/appointments', visit, headers);
  };
  const note = async (answer: Promise<Reply>): Promise<Reply> => {
    const reply = await answer;
    if (reply.status === 201 || reply.status === 202) {
      const { id, patientId } = JSON.parse(reply.text) as Booked;
      acknowledged.push(id);
      if (reply.status === 201) bookings.push({ id, patientId });
    }
    return reply;
  };
  const read = (): Promise<Reply> => {
    const booked = some(bookings);
    const paths = [
      ...(booked
        ? [`/appointments/${booked.id}`, `/appointments?patientId=${booked.patientId}&limit=20`]
        : []),
      `/doctors/${some(doctors)}`,
    ];
    return caller.call('GET', some(paths) ?? '/doctors');
  };
  const requests: Record<Exclude<Operation, 'book'>, () => Promise<Reply>> = {
    read,
    reschedule: () => {
      const booked = bookings.at(-1);
      if (booked === undefined) return read();
      const { startsAt, doctorId } = nextVisit();
      return caller.call('POST', `/appointments/${booked.id}/reschedule`, { startsAt, doctorId });
    },
    cancel: () => {
      const booked = bookings.shift();
      return booked === undefined ? read() : caller.call('POST', `/appointments/${booked.id}/cancel`, {});
    },
  };
  return () => {
    const operation = TURNS[turn % TURNS.length] as Operation;
    turn += 1;
    if (operation !== 'book') return { operation, reply: requests[operation](), repeat: undefined };
    const book = booker();
    return { operation, reply: note(book()), repeat: () => note(book()) };
  };
}

/** Sends so many requests a second, after `RAMP_MS`, over kept connections, whether they are answered or not, until stopped. */
export function startTraffic(clinic: Clinic, perSecond = 110): Traffic {
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  const answers: Record<string, number> = {};
  const failures: Failure[] = [];
  const durations: number[] = [];
  const acknowledged: string[] = [];
  const inFlight = new Set<Promise<void>>();
  const ask = asker(clinic, [], acknowledged);
  let stopped = false;

  const send = async (): Promise<void> => {
    const startedAt = elapsed();
    const { operation, reply, repeat } = ask();
    let answer: string;
    let isProblem = false;
    try {
      const { status, problem } = await reply;
      answer = problem === undefined ? `${status}` : `${status} ${problem}`;
      isProblem = problem !== undefined;
    } catch (error) {
      const { code, message } = error as Error & { code?: string };
      answer = code ?? message;
    }
    const endedAt = elapsed();
    answers[`${operation} ${answer}`] = (answers[`${operation} ${answer}`] ?? 0) + 1;
    if (/^[1-4]\d\d\b/.test(answer)) durations.push(endedAt - startedAt);
    else failures.push({ operation, startedAt, endedAt, answer, isProblem, repeat });
  };

  const pace = async (): Promise<void> => {
    for (let sent = 0; !stopped; ) {
      for (const due = dueAfter(elapsed(), perSecond); sent < due; sent += 1) {
        if (inFlight.size >= MAX_IN_FLIGHT) continue;
        const request: Promise<void> = send().finally(() => inFlight.delete(request));
        inFlight.add(request);
      }
      await sleep(5);
    }
  };
  const pacing = pace();

  return {
    elapsed,
    failureCount: () => failures.length,
    stop: async () => {
      stopped = true;
      await pacing;
      // As if the rate had been at its height all the time.
      const seconds = (elapsed() - RAMP_MS / 2) / 1_000;
      await Promise.all(inFlight);
      durations.sort((a, b) => a - b);
      return {
        seconds,
        requests: Object.values(answers).reduce((sum, count) => sum + count, 0),
        answers,
        failures,
        acknowledged,
        p99Ms: durations[Math.floor(durations.length * 0.99)] ?? 0,
      };
    },
  };
}

/** One line of a report. */
export const summary = ({ requests, seconds, p99Ms, failures, answers }: Report): string =>
  `${requests} requests, ${(requests / seconds).toFixed(0)}/s, p99 ${p99Ms.toFixed(0)} ms, ${failures.length} failed; ${Object.entries(
    answers,
  )
    .map(([answer, count]) => `${answer}: ${count}`)
    .join(', ')}`;
