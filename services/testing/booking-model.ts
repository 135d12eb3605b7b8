import type { Reply } from './load.ts';
import type { ScriptedDoctor } from './scripted-doctor.ts';

export interface Time {
  doctorId: string;
  startsAt: string;
  endsAt: string;
}

/** What the contract promises of one appointment. */
export interface Promised {
  id: string;
  patientId: string;
  time: Time;
  status: string;
  /** The states walked through since booked. */
  previous: string[];
  revision: number;
  version: number;
  /** What the present revision wants while it is not answered; null is no time. */
  wish: Time | null | undefined;
  lastChange?: { revision: number; outcome: 'granted' | 'refused'; reason?: string };
  cancellation?: object;
}

export interface Request {
  path: string;
  body: object;
  key: string | undefined;
}

export interface Model {
  appointments: Promised[];
  /** Requests with a key, and their first answers. */
  answered: { request: Request; first: Reply }[];
  /** Whether nobody answers at the doctor service. */
  isAway: boolean;
}

export const isActive = ({ status }: Promised): boolean => status !== 'rejected' && status !== 'cancelled';

const overlap = (a: Time, b: Time): boolean => a.startsAt < b.endsAt && b.startsAt < a.endsAt;

/** Whether another of the patient's appointments has this time, or wishes for it. */
export const isBusy = ({ appointments }: Model, patientId: string, wanted: Time, own?: Promised): boolean =>
  appointments
    .filter((each) => each !== own && each.patientId === patientId && isActive(each))
    .flatMap(({ time, wish }) => [time, ...(wish ? [wish] : [])])
    .some((held) => overlap(held, wanted));

export const minutesOf = ({ startsAt, endsAt }: Time): number =>
  (Date.parse(endsAt) - Date.parse(startsAt)) / 60_000;

const withMinutes = (time: Time) => ({ ...time, durationMinutes: minutesOf(time) });

/** The appointment as it must be read. */
export function representation(promised: Promised): object {
  const { id, patientId, time, status, revision, version, wish, lastChange, cancellation } = promised;
  return {
    id,
    patientId,
    ...withMinutes(time),
    status,
    revision,
    settled: wish === undefined,
    version,
    // The first revision's wish is the appointment's own time.
    ...(wish && revision > 1 && { requested: withMinutes(wish) }),
    ...(lastChange && { lastChange }),
    ...(cancellation && { cancellation: { ...cancellation, at: expect.any(String) } }),
    createdAt: expect.any(String),
    updatedAt: expect.any(String),
  };
}

/** The doctor service's answer to the present revision arrives. */
export function settlePromised(promised: Promised, doctor: ScriptedDoctor): void {
  const { id, revision, wish } = promised;
  const decision = doctor.decisionOf(id, revision);
  if (decision === undefined) throw new Error(`revision ${revision} was settled and never decided`);
  promised.version += 1;
  promised.wish = undefined;
  if (decision.state === 'refused') {
    promised.lastChange = { revision, outcome: 'refused', reason: decision.reason };
    if (promised.status === 'pending') promised.status = 'rejected';
    return;
  }
  promised.lastChange = { revision, outcome: 'granted' };
  if (wish) promised.time = wish;
  if (promised.status === 'pending') promised.status = 'booked';
}

/** Opens the next revision. */
export function openPromised(promised: Promised, wish: Time | null): void {
  promised.revision += 1;
  promised.version += 1;
  promised.wish = wish;
}

/** Checks what a client is told about its own change. `granted` is the status of a change that was. */
export function expectTold(reply: Reply, promised: Promised, granted: 200 | 201): void {
  const { wish, lastChange, id, version, status } = promised;
  if (status !== 'cancelled' && wish === undefined && lastChange?.outcome === 'refused') {
    expect([reply.status, reply.problem]).toEqual([409, lastChange.reason]);
    expect(JSON.parse(reply.text).appointmentId).toBe(id);
    return;
  }
  // A cancellation holds whether or not it is answered.
  const isWaiting = wish !== undefined && status !== 'cancelled';
  expect([reply.status, JSON.parse(reply.text)]).toEqual([
    isWaiting ? 202 : granted,
    representation(promised),
  ]);
  expect(reply.headers.etag).toBe(`"${version}"`);
  expect(reply.headers['retry-after']).toBe(isWaiting ? '1' : undefined);
}

const STEPS: Readonly<Record<string, { from: readonly string[]; to: string }>> = {
  'check-in': { from: ['booked'], to: 'arrived' },
  start: { from: ['arrived'], to: 'in-progress' },
  complete: { from: ['in-progress'], to: 'fulfilled' },
  'no-show': { from: ['booked', 'arrived'], to: 'noshow' },
};

/** Takes a step, or with `undo` takes the last one back; tells the problem when it is not allowed. */
export function stepPromised(promised: Promised, action: string): string | undefined {
  const { status, previous, wish } = promised;
  const step = STEPS[action];
  const isAllowed =
    step === undefined ? previous.length > 0 && isActive(promised) : step.from.includes(status);
  if (!isAllowed) return 'invalid-transition';
  if (wish !== undefined) return 'change-in-progress';
  if (step === undefined) promised.status = previous.pop() ?? '';
  else {
    previous.push(status);
    promised.status = step.to;
  }
  promised.version += 1;
  return undefined;
}
