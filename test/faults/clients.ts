import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { halfHour } from '../../services/testing/clinic.ts';
import { randomFrom } from '../../services/testing/random.ts';
import { fits } from './answer.ts';
import { textOf } from './contradictions.ts';
import { type Appointment, count, type History, type Operation, type State, type Time } from './history.ts';
import type { Replica } from './replica.ts';
import { sendOnce } from './send.ts';

/** Who can be booked. */
export interface Clinic {
  patientIds: readonly string[];
  doctorIds: readonly string[];
}

export interface Load {
  /** Resolves when no client waits for an answer. */
  pause: () => Promise<void>;
  resume: () => void;
  /** Questions that nobody has decided yet. */
  unanswered: Operation[];
  /** Leaves the clients those of their appointments that still take time, and returns them. */
  goOnWith: () => Set<Appointment>;
}

const CLIENTS = 32;
/** The half hours, of all doctors, that clients compete for; the window moves on as they are booked. */
const WINDOW = 60;
const TRIES = 3;
const MAX_APPOINTMENTS = 30;
const MAX_OLD = 50;
/** A person thinks between two questions. */
const THINK_MS = 10;

interface Client {
  number: number;
  random: () => number;
  /** That it may change. */
  appointments: Appointment[];
  /** Decided questions, to be sent again. */
  old: Operation[];
}

export interface LoadOptions {
  history: History;
  replicas: readonly Replica[];
  clinic: Clinic;
  seed: number;
}

/** A visit of two half hours is wanted now and then. */
const LONG_VISITS = 0.2;

const isActive = ({ may: [state, ...others] }: Appointment): boolean =>
  others.length === 0 && (state?.status === 'booked' || state?.status === 'arrived');

/** Clients that book, change, cancel, read and repeat, each one question after the other, until they are paused. */
export function startLoad({ history, replicas, clinic, seed }: LoadOptions): Load {
  let isPaused = false;
  let halfHoursBooked = 0;
  const unanswered: Operation[] = [];

  const pick = <Item>({ random }: Client, items: readonly Item[]): Item => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new Error('there is nothing to pick from');
    return item;
  };

  const aTime = (client: Client): Time => {
    const first = Math.floor(halfHoursBooked / clinic.doctorIds.length);
    // Now and then one of long ago, which was taken then and may have been cancelled.
    const from = client.random() < 0.1 ? 0 : first;
    const { startsAt } = halfHour(from + Math.floor(client.random() * (first - from + WINDOW)));
    const durationMinutes = client.random() < LONG_VISITS ? 60 : 30;
    return { doctorId: pick(client, clinic.doctorIds), startsAt, durationMinutes };
  };

  const newOperation = (
    client: Client,
    kind: Operation['kind'],
    more: Partial<Operation> = {},
  ): Operation => {
    const operation: Operation = {
      client: client.number,
      kind,
      key: randomUUID(),
      appointment: undefined,
      patientId: '',
      wanted: undefined,
      tries: [],
      answer: undefined,
      ...more,
    };
    history.operations.push(operation);
    return operation;
  };

  /** Sends a question until it is decided; false when nobody decided it, and its appointment must be left alone. */
  const ask = async (client: Client, operation: Operation): Promise<boolean> => {
    for (let tries = 0; tries < TRIES && operation.answer === undefined; tries += 1) {
      if (tries > 0) await sleep(50 + client.random() * 200);
      await sendOnce(history, operation, pick(client, replicas));
    }
    if (operation.answer !== undefined) {
      client.old.push(operation);
      if (client.old.length > MAX_OLD) client.old.shift();
      return true;
    }
    unanswered.push(operation);
    return false;
  };

  const book = async (client: Client): Promise<void> => {
    const operation = newOperation(client, 'book', {
      patientId: pick(client, clinic.patientIds),
      wanted: aTime(client),
    });
    // A nervous finger: the same request twice, to whichever process.
    if (client.random() < 0.1) {
      const sent = [pick(client, replicas), pick(client, replicas)];
      await Promise.all(sent.map((replica) => sendOnce(history, operation, replica)));
    }
    if (!(await ask(client, operation)) || operation.appointment === undefined) return;
    if (operation.answer?.status !== 409) {
      halfHoursBooked += (operation.wanted?.durationMinutes ?? 0) / 30;
      client.appointments.push(operation.appointment);
      if (client.appointments.length > MAX_APPOINTMENTS) client.appointments.shift();
    }
  };

  const change = async (client: Client, kind: Operation['kind'], appointment: Appointment): Promise<void> => {
    const { patientId } = appointment;
    const wanted = kind === 'reschedule' ? aTime(client) : undefined;
    const isKnown = await ask(client, newOperation(client, kind, { appointment, patientId, wanted }));
    if (!isKnown || kind === 'cancel')
      client.appointments = client.appointments.filter((each) => each !== appointment);
  };

  /** What one client was told, it sees. */
  const read = async (client: Client, appointment: Appointment): Promise<void> => {
    const operation = newOperation(client, 'read', { appointment });
    await sendOnce(history, operation, pick(client, replicas));
    if (operation.answer === undefined) return;
    const shown = JSON.parse(operation.answer.text) as Time & { status: State['status'] | 'pending' };
    const isPending = appointment.may.length > 1 && shown.status === 'pending';
    if (!isPending && !appointment.may.some((state) => fits(shown, state)))
      history.broken.push({ rule: 'I4', what: `appointment ${appointment.id} was read as ${textOf(shown)}` });
  };

  const turn = async (client: Client): Promise<void> => {
    const dice = client.random();
    if (dice < 0.55 || client.appointments.length === 0) return book(client);
    const appointment = pick(client, client.appointments);
    const [state] = appointment.may;
    const isCertain = appointment.may.length === 1;
    if (dice < 0.65) return read(client, appointment);
    if (dice < 0.8) return change(client, 'cancel', appointment);
    if (dice < 0.85 && client.old.length > 0)
      return sendOnce(history, pick(client, client.old), pick(client, replicas));
    if (!isCertain) return read(client, appointment);
    if (state?.status === 'arrived') return change(client, 'undo', appointment);
    return change(client, dice < 0.95 ? 'reschedule' : 'check-in', appointment);
  };

  let waiting: (() => void)[] = [];
  let idle = 0;
  const clients = Array.from({ length: CLIENTS }, (_, number): Client => {
    return { number, random: randomFrom(seed * 1_000 + number), appointments: [], old: [] };
  });
  const work = async (client: Client): Promise<void> => {
    for (;;) {
      if (isPaused) {
        idle += 1;
        await new Promise<void>((resolve) => waiting.push(resolve));
        idle -= 1;
      }
      await turn(client);
      await sleep(client.random() * THINK_MS);
    }
  };
  for (const client of clients)
    work(client).catch((error: unknown) => {
      history.broken.push({ rule: 'harness', what: `client ${client.number} ended: ${error}` });
      count(history, 'clients ended');
    });

  return {
    unanswered,
    goOnWith: () => {
      for (const client of clients) client.appointments = client.appointments.filter(isActive);
      return new Set(clients.flatMap(({ appointments }) => appointments));
    },
    pause: async () => {
      isPaused = true;
      while (idle + (history.counts['clients ended'] ?? 0) < CLIENTS) await sleep(10);
      // A question of a segment that is proven is repeated no more.
      for (const client of clients) client.old = [];
    },
    resume: () => {
      isPaused = false;
      const resumed = waiting;
      waiting = [];
      for (const resume of resumed) resume();
    },
  };
}
