import { randomUUID } from 'node:crypto';
import { halfHour, seedPatient } from './testing/clinic.ts';
import { type Caller, openCaller, type Reply } from './testing/load.ts';
import { type ScriptedDoctor, startScriptedDoctor } from './testing/scripted-doctor.ts';
import { eventually, startPatient, type TestService } from './testing/services.ts';

// Two questions about one appointment are open at once. Each is asked, decided and answered, and these six moments have every order
// in which the first is asked first.
type Moment = `${'first' | 'second'} is ${'asked' | 'decided' | 'answered'}`;

function interleavings(first: readonly Moment[], second: readonly Moment[]): Moment[][] {
  const [a, ...afterA] = first;
  const [b, ...afterB] = second;
  if (a === undefined || b === undefined) return [[...first, ...second]];
  return [
    ...interleavings(afterA, second).map((rest) => [a, ...rest]),
    ...interleavings(first, afterB).map((rest) => [b, ...rest]),
  ];
}

const orders = interleavings(
  ['first is decided', 'first is answered'],
  ['second is asked', 'second is decided', 'second is answered'],
);

/** Whether the first request has its answer before there is a second. */
const isOverBefore = (order: readonly Moment[]): boolean =>
  order.indexOf('first is answered') < order.indexOf('second is asked');

let doctor: ScriptedDoctor;
let patient: TestService;
let caller: Caller;
let doctorId: string;
let patientId: string;

beforeAll(async () => {
  doctor = await startScriptedDoctor();
  patient = await startPatient({ doctorUrl: doctor.url });
  caller = openCaller(patient.url);
});
beforeEach(async () => {
  doctor.script(() => undefined);
  doctorId = randomUUID();
  patientId = await seedPatient(patient);
});
afterEach(async () => {
  // A late answer to an overtaken revision is no contradiction.
  const { rowCount } = await patient.db.query('select from appointments where contradiction is not null');
  expect(rowCount).toBe(0);
});
afterAll(async () => {
  await caller.close();
  await patient.stop();
  await doctor.stop();
});

const post = (path: string, body: object = {}, key?: string) =>
  caller.call('POST', path, body, key === undefined ? {} : { 'idempotency-key': key });
const book = (key?: string) => post('/appointments', { patientId, doctorId, ...halfHour(0) }, key);
const parse = ({ text }: Reply) => JSON.parse(text);
const read = async (id: string) => parse(await caller.call('GET', `/appointments/${id}`));

function gate() {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}

/**
 * Walks through the moments in their order: `askFirst` and `askSecond` are what makes the patient service ask, and resolve when that is over.
 */
async function walk<First, Second>(
  order: readonly Moment[],
  askFirst: () => Promise<First>,
  askSecond: (appointmentId: string) => Promise<Second>,
): Promise<[First, Second]> {
  const held = [0, 1].map(() => ({ decision: gate(), answer: gate() }));
  const [first, second] = held;
  const before = doctor.asked.length;
  doctor.script((question) => {
    const each = held[doctor.asked.indexOf(question) - before];
    return each && { before: each.decision.passed, after: each.answer.passed };
  });
  const asked = (index: number) =>
    eventually(async () => {
      const question = doctor.asked[before + index];
      if (question === undefined) throw new Error('not asked');
      return question;
    });
  // What waits for the same gate goes on before we do.
  const pass = async ({ open, passed } = gate()) => {
    open();
    await passed;
    await new Promise(setImmediate);
  };

  const firstEnds = askFirst();
  const { appointmentId } = await asked(0);
  let secondEnds: Promise<Second> | undefined;
  const moments: Partial<Record<Moment, () => Promise<unknown>>> = {
    'first is decided': () => pass(first?.decision),
    'first is answered': () => pass(first?.answer).then(() => firstEnds),
    'second is asked': () => {
      secondEnds = askSecond(appointmentId);
      return asked(1);
    },
    'second is decided': () => pass(second?.decision),
    'second is answered': () => pass(second?.answer).then(() => secondEnds),
  };
  for (const moment of order) await moments[moment]?.();
  return [await firstEnds, (await secondEnds) as Second];
}

describe('a booking that is cancelled ends cancelled', () => {
  test.each(orders)('when the %s, the %s, the %s, the %s and the %s', async (...order) => {
    const key = randomUUID();
    const [booked, cancelled] = await walk(
      order,
      () => book(key),
      (id) => post(`/appointments/${id}/cancel`),
    );
    const { id } = parse(booked);
    expect([booked.status, cancelled.status]).toEqual([isOverBefore(order) ? 201 : 202, 200]);
    expect(await read(id)).toMatchObject({ status: 'cancelled', revision: 2, settled: true });
    expect(doctor.timeOf(id)).toBeUndefined();
    expect((await book(key)).text).toBe(booked.text);
  });
});

describe('a reschedule of an appointment that is cancelled frees both times', () => {
  test.each(orders)('when the %s, the %s, the %s, the %s and the %s', async (...order) => {
    const { id } = parse(await book());
    const [moved, cancelled] = await walk(
      order,
      () => post(`/appointments/${id}/reschedule`, { startsAt: halfHour(3).startsAt }),
      () => post(`/appointments/${id}/cancel`),
    );
    expect([moved.status, cancelled.status]).toEqual([isOverBefore(order) ? 200 : 202, 200]);
    expect(await read(id)).toMatchObject({ status: 'cancelled', revision: 3, settled: true });
    expect(doctor.timeOf(id)).toBeUndefined();
    expect((await book()).status).toBe(201);
  });
});

describe('a booking that the settler asks about too is booked once', () => {
  const settler = async () => {
    await patient.db.query('update appointments set next_try_at = now() where answered_revision < revision');
    await eventually(async () => {
      const { rowCount } = await patient.db.query(
        'select from appointments where answered_revision < revision',
      );
      if (rowCount !== 0) throw new Error('not settled');
    });
  };

  test.each(orders.filter((order) => !isOverBefore(order)))(
    'when the %s, the %s, the %s, the %s and the %s',
    async (...order) => {
      const key = randomUUID();
      const [booked] = await walk(order, () => book(key), settler);
      const appointment = parse(booked);
      expect([booked.status, appointment.version]).toEqual([201, 2]);
      expect(await read(appointment.id)).toEqual(appointment);
      expect((await book(key)).text).toBe(booked.text);
    },
  );
});
