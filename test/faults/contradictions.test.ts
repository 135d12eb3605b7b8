import type { Reply } from '../../services/testing/load.ts';
import { differenceOf, statesAfter } from './answer.ts';
import { findContradictions } from './contradictions.ts';
import type { Appointment, Operation, State } from './history.ts';
import { storyOf } from './history.ts';
import type { AppointmentRow, Outcomes } from './rows.ts';

const ID = '01990000-0000-7000-8000-000000000001';
const OTHER_ID = '01990000-0000-7000-8000-000000000002';
const KEY = 'a0000000-0000-4000-8000-000000000000';
const time = { doctorId: 'd', startsAt: '2030-01-01T09:00:00Z', durationMinutes: 30 };
const later = { doctorId: 'd', startsAt: '2030-01-01T10:00:00Z', durationMinutes: 30 };

const reply = (status: number, problem?: string, text = `{"id":"${ID}","revision":1}`): Reply => ({
  status,
  problem,
  text,
  headers: {},
});

const appointmentThat = (...may: State[]): Appointment => ({ id: ID, key: KEY, patientId: 'p', may });

const operation = (more: Partial<Operation> = {}): Operation => ({
  client: 0,
  kind: 'book',
  key: KEY,
  appointment: undefined,
  patientId: 'p',
  wanted: time,
  tries: [],
  answer: reply(201),
  ...more,
});

const row = (more: Partial<AppointmentRow> = {}): AppointmentRow => ({
  id: ID,
  key: KEY,
  status: 'booked',
  settled: true,
  ...time,
  ...more,
});

/** A booking that was answered and is on both sides what it was answered. */
function found({
  asked = [operation()],
  rows = [row()],
  patient = { [`${ID} 1`]: 'granted' },
  doctor = { [`${ID} 1`]: 'active' },
  appointment = appointmentThat({ ...time, status: 'booked' }),
}: {
  asked?: Operation[];
  rows?: AppointmentRow[];
  patient?: Record<string, string | null>;
  doctor?: Record<string, string>;
  appointment?: Appointment;
} = {}): string[] {
  const outcomes: Outcomes = {
    patient: new Map(Object.entries(patient)),
    doctor: new Map(Object.entries(doctor)),
  };
  const appointments = new Map([[appointment.id, appointment]]);
  return findContradictions({ operations: asked, appointments }, rows, outcomes).map(({ rule }) => rule);
}

describe('what was answered against what is there', () => {
  test('nothing, where both sides say what the client was told', () => {
    expect(found()).toEqual([]);
  });

  test('I4 when an appointment is lost that was acknowledged', () => {
    expect(found({ rows: [] })).toContain('I4');
  });

  test('I4 when it is at another time, or cancelled, and nobody asked for that', () => {
    expect(found({ rows: [row(later)] })).toEqual(['I4']);
    expect(found({ rows: [row({ status: 'cancelled' })] })).toEqual(['I4']);
  });

  test('I4 when a booking that was refused is booked', () => {
    const asked = [operation({ answer: reply(409, 'slot-taken', `{"appointmentId":"${ID}"}`) })];
    const appointment = appointmentThat({ ...time, status: 'rejected' });
    expect(found({ asked, appointment })).toEqual(['I4', 'I7']);
  });

  test('I4 when a patient who was busy has the appointment all the same', () => {
    const asked = [operation({ answer: reply(409, 'patient-busy', '{}') })];
    expect(found({ asked })).toEqual(['I4']);
  });

  test('I5 when one key made two appointments', () => {
    expect(found({ rows: [row(), row({ id: OTHER_ID, ...later })] })).toEqual(['I5']);
  });

  test('I5 when there is an appointment that nobody asked for', () => {
    expect(found({ rows: [row(), row({ id: OTHER_ID, key: 'unknown' })] })).toEqual(['I5']);
  });

  test('I6 when a question is never answered', () => {
    expect(found({ asked: [operation({ answer: undefined })] })).toEqual(['I6']);
  });

  test.each([
    ['granted', 'refused'],
    ['refused', 'active'],
    ['granted', undefined],
  ])('I7 when a revision is %s on this side and %s on the other', (outcome, state) => {
    const doctor: Record<string, string> = state === undefined ? {} : { [`${ID} 1`]: state };
    expect(found({ patient: { [`${ID} 1`]: outcome }, doctor })).toContain('I7');
  });

  test('I4 when it is longer than it was asked for', () => {
    expect(found({ rows: [row({ durationMinutes: 60 })] })).toEqual(['I4']);
  });

  test('I6 when a revision has no outcome', () => {
    const doctor = { [`${ID} 1`]: 'active', [`${ID} 2`]: 'released' };
    expect(found({ patient: { [`${ID} 1`]: 'granted', [`${ID} 2`]: null }, doctor })).toEqual(['I6']);
  });

  test('I7 when the doctor answered what nobody asked', () => {
    expect(found({ doctor: { [`${ID} 1`]: 'active', [`${ID} 2`]: 'active' } })).toEqual(['I7']);
  });

  test('an appointment that might have been two things is from then on what it is', () => {
    const appointment = appointmentThat({ ...time, status: 'rejected' }, { ...time, status: 'booked' });
    expect(found({ asked: [operation({ answer: reply(202) })], appointment })).toEqual([]);
    expect(appointment.may).toEqual([{ ...time, status: 'booked' }]);
  });
});

describe('what an answer means', () => {
  const booked: State = { ...time, status: 'booked' };
  const appointment = appointmentThat(booked);

  test('a change that waits leaves both times possible, a refused one the old time', () => {
    const move = operation({ kind: 'reschedule', wanted: later, appointment });
    expect(statesAfter(move, reply(202))).toEqual([booked, { ...later, status: 'booked' }]);
    expect(statesAfter(move, reply(409, 'slot-taken'))).toEqual([booked]);
  });

  test('nothing, when no such answer can be given', () => {
    expect(statesAfter(operation({ kind: 'check-in', appointment }), reply(409, 'invalid-transition'))).toBe(
      undefined,
    );
  });

  test('a key that was answered gets the same again', () => {
    expect(differenceOf(reply(201), reply(201))).toBeUndefined();
    expect(differenceOf(reply(201), reply(409, 'slot-taken'))).toBeDefined();
    expect(differenceOf(reply(201), reply(201, undefined, `{"id":"${OTHER_ID}"}`))).toBeDefined();
  });

  test('a key that was told to wait may be told the outcome, of the same appointment', () => {
    expect(differenceOf(reply(202), reply(201))).toBeUndefined();
    expect(differenceOf(reply(202), reply(201, undefined, `{"id":"${OTHER_ID}"}`))).toBeDefined();
    expect(differenceOf(reply(201), reply(202))).toBeDefined();
  });
});

test('a story has the questions about an appointment and the faults of that time, and names no patient', () => {
  const tried = { replica: 'patient 1', requestId: 'r', status: 201, problem: undefined };
  const at = (atMs: number) => [{ ...tried, atMs, tookMs: 5 }];
  const history = {
    operations: [
      operation({ tries: at(5_000), appointment: appointmentThat(), patientId: 'patient-id' }),
      operation({ key: 'another', tries: at(5_100) }),
    ],
    appointments: new Map(),
    faults: [
      { atMs: 4_500, what: 'FAULT silence' },
      { atMs: 60_000, what: 'FAULT later' },
    ],
    broken: [],
    counts: {},
    nowMs: () => 0,
  };
  const story = storyOf(history, `appointment ${ID} is lost`);
  expect(story.map((line) => line.trim().split(/ {2,}/)[1]?.slice(0, 13))).toEqual([
    'FAULT silence',
    'client 0 book',
  ]);
  expect(story.join()).not.toContain('patient-id');
});
