import fc from 'fast-check';
import {
  type Action,
  actions,
  afterAction,
  allowedIn,
  bookingRequest,
  canCancel,
  rescheduled,
  rescheduleRequest,
  type Status,
  statuses,
} from './appointment.ts';

const NEXT: Readonly<Record<string, Status>> = {
  'booked check-in': 'arrived',
  'booked no-show': 'noshow',
  'arrived start': 'in-progress',
  'arrived no-show': 'noshow',
  'in-progress complete': 'fulfilled',
};

describe('every state × every action', () => {
  const cases = statuses.flatMap((status) =>
    actions.filter((action) => action !== 'undo').map((action) => [status, action] as const),
  );

  test.each(cases)('%s, %s', (status, action) => {
    const expected = NEXT[`${status} ${action}`];
    expect(afterAction(action, status, [])?.status).toBe(expected);
  });

  test.each(statuses)('cancel while %s', (status) => {
    expect(canCancel(status)).toBe(['pending', 'booked', 'arrived'].includes(status));
  });
});

describe('undo', () => {
  test('any walk is taken back step by step to booked', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom<Action>('check-in', 'start', 'complete', 'no-show')), (walk) => {
        let state: { status: Status; previous: readonly Status[] } = { status: 'booked', previous: [] };
        const walked: Status[] = [state.status];
        for (const action of walk) {
          const next = afterAction(action, state.status, state.previous);
          if (next === undefined) continue;
          state = next;
          walked.push(state.status);
        }
        while (walked.length > 1) {
          expect(state.status).toBe(walked.pop());
          state = afterAction('undo', state.status, state.previous) ?? state;
        }
        expect(state).toEqual({ status: 'booked', previous: [] });
        expect(afterAction('undo', 'booked', [])).toBeUndefined();
      }),
    );
  });

  test('never takes back a cancellation or a refusal', () => {
    expect(afterAction('undo', 'cancelled', ['booked'])).toBeUndefined();
    expect(afterAction('undo', 'rejected', [])).toBeUndefined();
  });
});

test('what is allowed names exactly what would work', () => {
  expect(allowedIn('booked', [])).toEqual(['check-in', 'no-show', 'reschedule', 'cancel']);
  expect(allowedIn('arrived', ['booked'])).toEqual(['start', 'no-show', 'undo', 'cancel']);
  expect(allowedIn('pending', [])).toEqual(['cancel']);
  expect(allowedIn('fulfilled', ['booked', 'arrived', 'in-progress'])).toEqual(['undo']);
  expect(allowedIn('cancelled', ['booked'])).toEqual([]);
  expect(allowedIn('rejected', [])).toEqual([]);
});

describe('a booking request', () => {
  const base = {
    patientId: '01a2041f-40b8-7522-a241-bc4ad31bb6f8',
    doctorId: '01a2041f-40b8-7522-a241-bc4ad31bb6f9',
    startsAt: '2026-12-01T10:00:00+01:00',
  };

  test('takes a length or an end, and means the same', () => {
    const byLength = bookingRequest.parse({ ...base, durationMinutes: 45 });
    const byEnd = bookingRequest.parse({ ...base, endsAt: '2026-12-01T09:45:00Z' });
    const byBoth = bookingRequest.parse({
      ...base,
      durationMinutes: 45,
      endsAt: '2026-12-01T10:45:00+01:00',
    });
    expect(byLength).toMatchObject({
      startsAt: '2026-12-01T09:00:00.000Z',
      endsAt: '2026-12-01T09:45:00.000Z',
    });
    expect(byEnd).toEqual(byLength);
    expect(byBoth).toEqual(byLength);
  });

  test.each([
    [{}, 'durationMinutes'],
    [{ durationMinutes: 30, endsAt: '2026-12-01T10:45:00+01:00' }, 'endsAt'],
    [{ endsAt: '2026-12-01T10:00:00+01:00' }, 'endsAt'],
    [{ endsAt: '2026-12-01T10:04:00+01:00' }, 'endsAt'],
    [{ endsAt: '2026-12-01T22:01:00+01:00' }, 'endsAt'],
    [{ endsAt: '2026-12-01T10:30:30+01:00' }, 'endsAt'],
    [{ durationMinutes: 4 }, 'durationMinutes'],
    [{ durationMinutes: 721 }, 'durationMinutes'],
    [{ durationMinutes: 30.5 }, 'durationMinutes'],
  ])('with %j is refused at %s', (times, member) => {
    const result = bookingRequest.safeParse({ ...base, ...times });
    expect(result.error?.issues.map(({ path }) => path)).toEqual([[member]]);
  });
});

describe('a reschedule', () => {
  const present = {
    doctorId: 'd1',
    startsAt: '2026-12-01T09:00:00.000Z',
    endsAt: '2026-12-01T09:45:00.000Z',
  };

  test('keeps what it does not name', () => {
    expect(rescheduled(present, { startsAt: '2026-12-02T09:00:00.000Z' })).toEqual({
      doctorId: 'd1',
      startsAt: '2026-12-02T09:00:00.000Z',
      endsAt: '2026-12-02T09:45:00.000Z',
    });
    expect(rescheduled(present, { durationMinutes: 30 })).toEqual({
      ...present,
      endsAt: '2026-12-01T09:30:00.000Z',
    });
    expect(rescheduled(present, { doctorId: 'd2' })).toEqual({ ...present, doctorId: 'd2' });
  });

  test('must name something', () => {
    expect(rescheduleRequest.safeParse({}).success).toBe(false);
  });
});
