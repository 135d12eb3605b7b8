import fc from 'fast-check';
import {
  expectTold,
  isActive,
  isBusy,
  type Model,
  minutesOf,
  openPromised,
  type Promised,
  type Request,
  representation,
  settlePromised,
  stepPromised,
  type Time,
} from './booking-model.ts';
import { halfHour } from './clinic.ts';
import type { Caller, Reply } from './load.ts';
import type { ScriptedDoctor, Twist } from './scripted-doctor.ts';

/** The patient service, and the doctor service that it asks. */
export interface Real {
  call: Caller['call'];
  doctor: ScriptedDoctor;
  patientIds: readonly string[];
  doctorIds: readonly string[];
  /** What happens to the question of a request, by the request's id. */
  twists: Map<string, Twist>;
  isAway: boolean;
  /** Let the questions arrive that are held. */
  gates: (() => void)[];
  /** Lets time pass until the settler has settled everything. */
  settle: () => Promise<void>;
  requests: number;
}

type Command = fc.AsyncCommand<Model, Real>;

/** What becomes of the question that a request asks. A question that is held is decided when nobody waits for the answer any more. */
interface Fate {
  kind: 'answered' | 'slow' | 'refused' | 'question-lost' | 'answer-lost' | 'busy' | 'garbage' | 'held';
  reason: 'too-soon' | 'outside-working-hours';
}

const aMoment = () => new Promise((resolve) => setTimeout(resolve, 20));

const twists: Readonly<Record<Fate['kind'], (fate: Fate, real: Real) => Twist>> = {
  answered: () => ({}),
  slow: () => ({ before: aMoment(), after: aMoment() }),
  refused: ({ reason }) => ({ refuse: reason }),
  'question-lost': () => ({ instead: 'cut' }),
  'answer-lost': () => ({ after: 'cut' }),
  busy: () => ({ instead: { status: 503 } }),
  garbage: () => ({ instead: { status: 200, body: '<html>' } }),
  held: (_fate, { gates }) => ({ before: new Promise<void>((resolve) => gates.push(resolve)) }),
};

/** The answer arrives, or does not, at a revision that was opened. */
function meet({ kind }: Fate, model: Model, promised: Promised, { doctor }: Real): void {
  const arrives = kind === 'answered' || kind === 'slow' || kind === 'refused';
  if (arrives && !model.isAway) settlePromised(promised, doctor);
}

function send(real: Real, { path, body, key }: Request, fate?: Fate): Promise<Reply> {
  real.requests += 1;
  const requestId = `model-${String(real.requests).padStart(8, '0')}`;
  if (fate !== undefined) real.twists.set(requestId, twists[fate.kind](fate, real));
  const headers = { 'x-request-id': requestId, ...(key !== undefined && { 'idempotency-key': key }) };
  return real.call('POST', path, body, headers);
}

const newKey = ({ patientIds, requests }: Real, isKeyed: boolean) =>
  isKeyed ? `${patientIds[0]}-${requests}` : undefined;

function remember({ answered }: Model, request: Request, first: Reply): void {
  if (request.key !== undefined && first.problem !== 'change-in-progress') answered.push({ request, first });
}

interface Choice {
  doctor: number;
  slot: number;
  halfHours: number;
  isKeyed: boolean;
  fate: Fate;
}

const chosen = <Item>(items: readonly Item[], which: number): Item => items[which % items.length] as Item;

const timeOf = ({ doctorIds }: Real, { doctor, slot, halfHours }: Choice): Time => ({
  doctorId: chosen(doctorIds, doctor),
  startsAt: halfHour(slot).startsAt,
  endsAt: halfHour(slot + halfHours - 1).endsAt,
});

/** Books; with a key several times at once. */
const book = (patient: number, choice: Choice, times: number): Command => ({
  check: () => true,
  toString: () => `book(${patient}, ${JSON.stringify(choice)}, ${times} at once)`,
  run: async (model, real) => {
    const patientId = chosen(real.patientIds, patient);
    const time = timeOf(real, choice);
    const key = newKey(real, choice.isKeyed || times > 1);
    const request = { path: '/appointments', body: { patientId, ...time }, key };
    const replies = await Promise.all(Array.from({ length: times }, () => send(real, request, choice.fate)));
    const [reply, ...others] = replies.filter(({ problem }) => problem !== 'request-in-progress');
    if (reply === undefined) throw new Error('of the requests with one key none was answered');
    for (const other of others) expect(other.text).toBe(reply.text);
    remember(model, request, reply);
    if (isBusy(model, patientId, time)) return expect(reply.problem).toBe('patient-busy');
    const { id, appointmentId } = JSON.parse(reply.text);
    const promised: Promised = {
      ...{ id: id ?? appointmentId, patientId, time, status: 'pending', previous: [] },
      ...{ revision: 1, version: 1, wish: time },
    };
    model.appointments.push(promised);
    meet(choice.fate, model, promised, real);
    expectTold(reply, promised, 201);
  },
});

/** A command about one of the appointments that are there. */
const about = (
  name: string,
  which: number,
  run: (model: Model, real: Real, promised: Promised) => Promise<void>,
): Command => ({
  check: ({ appointments }) => appointments.length > 0,
  toString: () => `${name} of ${which}`,
  run: (model, real) => run(model, real, chosen(model.appointments, which)),
});

const reschedule = (which: number, choice: Choice): Command =>
  about(`reschedule(${JSON.stringify(choice)})`, which, async (model, real, promised) => {
    const wish = timeOf(real, choice);
    const { doctorId, startsAt } = wish;
    const request = {
      path: `/appointments/${promised.id}/reschedule`,
      body: { doctorId, startsAt, durationMinutes: minutesOf(wish) },
      key: newKey(real, choice.isKeyed),
    };
    const reply = await send(real, request, choice.fate);
    remember(model, request, reply);
    if (promised.status !== 'booked') return expect(reply.problem).toBe('invalid-transition');
    if (promised.wish !== undefined) return expect(reply.problem).toBe('change-in-progress');
    if (isBusy(model, promised.patientId, wish, promised)) return expect(reply.problem).toBe('patient-busy');
    openPromised(promised, wish);
    meet(choice.fate, model, promised, real);
    expectTold(reply, promised, 200);
  });

const cancel = (which: number, { isKeyed, fate }: Choice): Command =>
  about(`cancel(${JSON.stringify({ isKeyed, fate })})`, which, async (model, real, promised) => {
    const request = {
      path: `/appointments/${promised.id}/cancel`,
      body: { reason: { code: 'model' }, by: 'patient' },
      key: newKey(real, isKeyed),
    };
    const reply = await send(real, request, fate);
    remember(model, request, reply);
    if (!['pending', 'booked', 'arrived'].includes(promised.status))
      return expect(reply.problem).toBe('invalid-transition');
    openPromised(promised, null);
    Object.assign(promised, { status: 'cancelled', cancellation: { code: 'model', by: 'patient' } });
    meet(fate, model, promised, real);
    expectTold(reply, promised, 200);
  });

const step = (which: number, action: string): Command =>
  about(action, which, async (_model, real, promised) => {
    const path = `/appointments/${promised.id}/${action}`;
    const reply = await send(real, { path, body: {}, key: undefined });
    const problem = stepPromised(promised, action);
    expect(reply.problem).toBe(problem);
    if (problem === undefined) expect(JSON.parse(reply.text)).toEqual(representation(promised));
  });

const sendAgain = (which: number): Command => ({
  check: ({ answered }) => answered.length > 0,
  toString: () => `sendAgain(${which})`,
  run: async ({ answered }, real) => {
    const { request, first } = chosen(answered, which);
    const told = ({ status, text, headers: { etag, location } }: Reply) => ({ status, text, etag, location });
    expect(told(await send(real, request))).toEqual(told(first));
  },
});

const reuseKey = (which: number): Command => ({
  check: ({ answered }) => answered.length > 0,
  toString: () => `reuseKey(${which})`,
  run: async ({ answered }, real) => {
    const { key } = chosen(answered, which).request;
    const [patientId, doctorId] = [chosen(real.patientIds, 0), chosen(real.doctorIds, 0)];
    const body = { patientId, doctorId, ...halfHour(100), reason: 'Another request' };
    expect((await send(real, { path: '/appointments', body, key })).problem).toBe('idempotency-key-reused');
  },
});

export const absence = (isAway: boolean): Command => ({
  check: (model) => model.isAway !== isAway,
  toString: () => (isAway ? 'doctor service goes' : 'doctor service returns'),
  run: async (model, real) => {
    model.isAway = isAway;
    real.isAway = isAway;
  },
});

/** Lets the questions arrive that were held. Their answers reach nobody. */
export const letArrive: Command = {
  check: () => true,
  toString: () => 'held questions arrive',
  run: async (_model, { gates }) => {
    for (const open of gates.splice(0)) open();
    await aMoment();
  },
};

export const settleAll: Command = {
  check: ({ isAway, appointments }) => !isAway && appointments.some(({ wish }) => wish !== undefined),
  toString: () => 'time passes',
  run: async ({ appointments }, real) => {
    await real.settle();
    for (const promised of appointments)
      if (promised.wish !== undefined) settlePromised(promised, real.doctor);
  },
};

/** Every appointment reads as promised; when it is settled, it has the doctor's time if it is active, and else none. */
export const compare: Command = {
  check: () => true,
  toString: () => 'compare',
  run: async ({ appointments }, { call, doctor }) => {
    for (const promised of appointments) {
      const { text } = await call('GET', `/appointments/${promised.id}`);
      expect(JSON.parse(text)).toEqual(representation(promised));
      if (promised.wish !== undefined) continue;
      expect(doctor.timeOf(promised.id)).toEqual(isActive(promised) ? promised.time : undefined);
    }
  },
};

const weighted = <Value>(...choices: [weight: number, arbitrary: fc.Arbitrary<Value>][]) =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));

const kinds: Readonly<Record<Fate['kind'], number>> = {
  answered: 40,
  slow: 8,
  refused: 12,
  'question-lost': 12,
  'answer-lost': 16,
  busy: 6,
  garbage: 6,
  // It takes the second after which the patient service gives up.
  held: 2,
};

const fate: fc.Arbitrary<Fate> = fc.record({
  kind: weighted(
    ...Object.entries(kinds).map(([kind, weight]): [number, fc.Arbitrary<Fate['kind']>] => [
      weight,
      fc.constant(kind as Fate['kind']),
    ]),
  ),
  reason: fc.constantFrom('too-soon', 'outside-working-hours'),
});

// Few of each, so that wishes meet.
const choice: fc.Arbitrary<Choice> = fc.record({
  doctor: fc.nat(1),
  slot: fc.nat(5),
  halfHours: fc.integer({ min: 1, max: 2 }),
  isKeyed: fc.boolean(),
  fate,
});
const which = fc.nat(7);
const actions = fc.constantFrom('check-in', 'start', 'complete', 'no-show', 'undo');

export const commands = weighted<Command>(
  [6, fc.tuple(fc.nat(1), choice).map(([patient, chose]) => book(patient, chose, 1))],
  [2, fc.tuple(fc.nat(1), choice, fc.integer({ min: 2, max: 4 })).map((args) => book(...args))],
  [4, fc.tuple(which, choice).map((args) => reschedule(...args))],
  [3, fc.tuple(which, choice).map((args) => cancel(...args))],
  [6, fc.tuple(which, actions).map((args) => step(...args))],
  [3, which.map(sendAgain)],
  [1, which.map(reuseKey)],
  [1, fc.boolean().map(absence)],
  [1, fc.constant(letArrive)],
  [2, fc.constant(settleAll)],
  [1, fc.constant(compare)],
);
