import type { Reply } from '../../services/testing/load.ts';
import { awakeMs } from './awake.ts';

/** Time of a doctor. */
export interface Time {
  doctorId: string;
  startsAt: string;
  durationMinutes: number;
}

/** What an appointment may be; a cancelled or rejected one takes no time. */
export interface State extends Time {
  status: 'booked' | 'arrived' | 'cancelled' | 'rejected';
}

/** What the clients know of an appointment. Only the client that booked it changes it, one thing after the other. */
export interface Appointment {
  id: string;
  /** Of its booking; the appointment carries it as its reason, so that rows can be traced to questions. */
  key: string;
  patientId: string;
  /** One, or several while nobody has said which. */
  may: readonly State[];
}

/** One sending of a question. Status 0 is no answer: nobody knows. */
export interface Try {
  atMs: number;
  tookMs: number;
  replica: string;
  requestId: string;
  status: number;
  problem: string | undefined;
}

/** A question of a client, sent again with the same key until it is decided. */
export interface Operation {
  client: number;
  kind: 'book' | 'reschedule' | 'cancel' | 'check-in' | 'undo' | 'read';
  key: string;
  /** What it is about; of a booking, once there is one. */
  appointment: Appointment | undefined;
  patientId: string;
  wanted: Time | undefined;
  tries: Try[];
  /** The first that decided it, or the outcome that the same key was told after it had been told to wait. */
  answer: Reply | undefined;
}

/** What is counted over the whole run. */
export type Counts = Record<string, number>;

/** Everything that was asked and answered since the last proof, and what was broken. */
export interface History {
  operations: Operation[];
  appointments: Map<string, Appointment>;
  faults: { atMs: number; what: string }[];
  /** A rule, and what broke it; it names the id or the key of the appointment. */
  broken: { rule: string; what: string }[];
  counts: Counts;
  nowMs: () => number;
}

export function newHistory(): History {
  const startedMs = awakeMs();
  return {
    operations: [],
    appointments: new Map(),
    faults: [],
    broken: [],
    counts: {},
    nowMs: () => awakeMs() - startedMs,
  };
}

export const count = ({ counts }: Pick<History, 'counts'>, what: string, times = 1): void => {
  counts[what] = (counts[what] ?? 0) + times;
};

/** Forgets what is proven: the operations, and every appointment that no client goes on with. */
export function forgetProven(history: History, kept: ReadonlySet<Appointment>): void {
  history.operations = [];
  history.faults = [];
  for (const [id, appointment] of history.appointments)
    if (!kept.has(appointment)) history.appointments.delete(id);
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(3)} s`;

const lineOf = ({ client, kind, key, appointment, wanted }: Operation, one: Try): string => {
  const about = wanted === undefined ? '' : ` doctor ${wanted.doctorId} at ${wanted.startsAt}`;
  const answer = one.status === 0 ? 'no answer' : `${one.status} ${one.problem ?? ''}`.trim();
  const id = appointment === undefined ? '' : ` appointment ${appointment.id}`;
  return `client ${client} ${kind} key ${key}${id}${about} by ${one.replica}: ${answer} after ${Math.round(one.tookMs)} ms (request ${one.requestId})`;
};

/** How long before and after its questions a fault may matter. */
const AROUND_MS = 1_000;

/** What happened to the appointments that a text names, by id or key, and the faults of that time. No patient is named. */
export function storyOf({ operations, faults }: History, text: string): string[] {
  const named = operations.filter(
    ({ key, appointment }) =>
      text.includes(key) ||
      (appointment !== undefined && (text.includes(appointment.id) || text.includes(appointment.key))),
  );
  const asked = named.flatMap((operation) =>
    operation.tries.map((one) => ({ atMs: one.atMs, what: lineOf(operation, one) })),
  );
  if (asked.length === 0) return [];
  const times = asked.map(({ atMs }) => atMs);
  const [from, to] = [Math.min(...times) - AROUND_MS, Math.max(...times) + AROUND_MS];
  return [...asked, ...faults.filter(({ atMs }) => atMs > from && atMs < to)]
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ atMs, what }) => `  ${seconds(atMs).padStart(12)}  ${what}`);
}
