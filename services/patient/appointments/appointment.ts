import { z } from 'zod';
import { defineProblem } from '../../shared/problem/problem.ts';
import { instant, longText, text, uuid, wholeNumber } from '../../shared/schema/schema.ts';

/** FHIR R4's words where it has one; `in-progress` and `rejected` are ours. */
export const statuses = [
  'pending',
  'booked',
  'arrived',
  'in-progress',
  'fulfilled',
  'noshow',
  'cancelled',
  'rejected',
] as const;
export type Status = (typeof statuses)[number];

/** What the front desk does with a booked appointment. */
export type Action = 'check-in' | 'start' | 'complete' | 'no-show' | 'undo';

const TRANSITIONS: Readonly<Record<Exclude<Action, 'undo'>, { from: readonly Status[]; to: Status }>> = {
  'check-in': { from: ['booked'], to: 'arrived' },
  start: { from: ['arrived'], to: 'in-progress' },
  complete: { from: ['in-progress'], to: 'fulfilled' },
  'no-show': { from: ['booked', 'arrived'], to: 'noshow' },
};

export const actions = [
  'check-in',
  'start',
  'complete',
  'no-show',
  'undo',
] as const satisfies readonly Action[];

/** What may be done in a state, reschedule and cancel included. */
export function allowedIn(status: Status, previous: readonly Status[]): string[] {
  const walked = Object.entries(TRANSITIONS)
    .filter(([, { from }]) => from.includes(status))
    .map(([action]) => action);
  return [
    ...walked,
    ...(canUndo(status, previous) ? ['undo'] : []),
    ...(status === 'booked' ? ['reschedule'] : []),
    ...(canCancel(status) ? ['cancel'] : []),
  ];
}

const canUndo = (status: Status, previous: readonly Status[]): boolean =>
  previous.length > 0 && status !== 'cancelled' && status !== 'rejected';

export const canCancel = (status: Status): boolean =>
  status === 'pending' || status === 'booked' || status === 'arrived';

/**
 * The state after an action, and the states walked through to it; undefined when the action is not allowed.
 * `undo` goes back one step of check-in, start, complete and no-show. The clock forbids none of them.
 */
export function afterAction(
  action: Action,
  status: Status,
  previous: readonly Status[],
): { status: Status; previous: readonly Status[] } | undefined {
  if (action === 'undo') {
    const before = previous.at(-1);
    return before !== undefined && canUndo(status, previous)
      ? { status: before, previous: previous.slice(0, -1) }
      : undefined;
  }
  const { from, to } = TRANSITIONS[action];
  return from.includes(status) ? { status: to, previous: [...previous, status] } : undefined;
}

/** 5 minutes to 12 hours. */
const durationMinutes = wholeNumber(5, 720);

const endOf = (startsAt: string, minutes: number): string =>
  new Date(Date.parse(startsAt) + minutes * 60_000).toISOString();

/** So that the end of every visit can be written, too (RFC 3339 has four digits for the year). */
const start = instant.refine((text) => text < '9999-12-31', 'must be before 9999-12-31');

const lengthOf = (startsAt: string, endsAt: string): number =>
  (Date.parse(endsAt) - Date.parse(startsAt)) / 60_000;

/** So many bookings of one patient may wait for their answer: more would be no person's, and hold the doctors' time. */
export const MAX_PENDING = 20;

/** A booking: its length in minutes, or its end. */
export const bookingRequest = z
  .strictObject({
    patientId: uuid,
    doctorId: uuid,
    startsAt: start,
    durationMinutes: durationMinutes.optional(),
    endsAt: instant.optional(),
    reason: longText.optional(),
    notes: longText.optional(),
  })
  .transform((request, context) => {
    const { startsAt, durationMinutes: minutes, endsAt, ...rest } = request;
    const fail = (member: string, message: string) => {
      context.addIssue({ code: 'custom', path: [member], message });
      return z.NEVER;
    };
    if (endsAt === undefined) {
      return minutes === undefined
        ? fail('durationMinutes', 'is required, or endsAt instead')
        : { ...rest, startsAt, endsAt: endOf(startsAt, minutes) };
    }
    const length = lengthOf(startsAt, endsAt);
    if (minutes !== undefined && minutes !== length)
      return fail('endsAt', 'must be startsAt plus durationMinutes; send one of them');
    if (!durationMinutes.safeParse(length).success)
      return fail('endsAt', 'must be 5 to 720 whole minutes after startsAt');
    return { ...rest, startsAt, endsAt };
  });

export type BookingRequest = z.output<typeof bookingRequest>;

/** The JSON of a booking as it is stored before the doctor service has answered; the same as it is read. */
export function pendingJson(id: string, request: BookingRequest, createdAt: string): string {
  const { patientId, doctorId, startsAt, endsAt, reason, notes } = request;
  return JSON.stringify({
    id,
    patientId,
    doctorId,
    startsAt,
    endsAt,
    durationMinutes: lengthOf(startsAt, endsAt),
    status: 'pending',
    revision: 1,
    settled: false,
    reason,
    notes,
    version: 1,
    createdAt,
    updatedAt: createdAt,
  });
}

/** Any subset of doctor, start and length. */
export const rescheduleRequest = z
  .strictObject({
    doctorId: uuid.optional(),
    startsAt: start.optional(),
    durationMinutes: durationMinutes.optional(),
  })
  .refine(
    (change) => Object.keys(change).length > 0,
    'must have at least one of startsAt, durationMinutes and doctorId',
  );

export type RescheduleRequest = z.output<typeof rescheduleRequest>;

interface Time {
  doctorId: string;
  startsAt: string;
  endsAt: string;
}

/** The doctor and time that a reschedule asks for: what it does not name stays. */
export function rescheduled(present: Time, change: RescheduleRequest): Time {
  const startsAt = change.startsAt ?? present.startsAt;
  const minutes = change.durationMinutes ?? lengthOf(present.startsAt, present.endsAt);
  return { doctorId: change.doctorId ?? present.doctorId, startsAt, endsAt: endOf(startsAt, minutes) };
}

const cancellers = ['patient', 'provider', 'organisation'] as const;

export const cancelRequest = z
  .strictObject({
    reason: z.strictObject({ code: text(100).optional(), text: longText.optional() }).optional(),
    by: z.enum(cancellers).optional(),
  })
  .optional();

export type CancelRequest = z.output<typeof cancelRequest>;

/** The members that a PATCH changes. */
export const appointmentTexts = z.strictObject({ reason: longText.optional(), notes: longText.optional() });

const instantOut = z.iso.datetime();

/** An appointment as it is answered. */
export const appointment = z.strictObject({
  id: z.uuid(),
  patientId: z.uuid(),
  doctorId: z.uuid(),
  startsAt: instantOut,
  endsAt: instantOut,
  durationMinutes: z.int(),
  status: z.enum(statuses),
  revision: z.int().describe('Grows with every change that concerns the doctor’s time.'),
  settled: z.boolean().describe('False while the doctor service owes an answer.'),
  requested: z
    .strictObject({ doctorId: z.uuid(), startsAt: instantOut, endsAt: instantOut, durationMinutes: z.int() })
    .optional()
    .describe('A wished-for new time that is not answered yet.'),
  lastChange: z
    .strictObject({
      revision: z.int(),
      outcome: z.enum(['granted', 'refused']),
      reason: z.string().optional(),
    })
    .optional()
    .describe('The last answer of the doctor service.'),
  reason: z.string().optional(),
  notes: z.string().optional(),
  cancellation: z
    .strictObject({
      code: z.string().optional(),
      text: z.string().optional(),
      by: z.enum(cancellers).optional(),
      at: instantOut,
    })
    .optional(),
  version: z.int(),
  createdAt: instantOut,
  updatedAt: instantOut,
});

/** Every member that no PATCH can set. */
export const serverMadeMembers = Object.keys(appointment.shape).filter(
  (member) => !(member in appointmentTexts.shape),
);

export const patientBusy = defineProblem(
  'patient-busy',
  409,
  'The patient has another appointment at that time',
);
const invalidTransition = defineProblem(
  'invalid-transition',
  409,
  'The appointment is in a state that does not allow this',
);
const changeInProgress = defineProblem(
  'change-in-progress',
  409,
  'A change of the appointment waits for its answer',
);

/** 409 that names the present state and what is allowed in it. */
export function transitionProblem(action: string, status: Status, previous: readonly Status[]) {
  const allowed = allowedIn(status, previous);
  const list = allowed.length === 0 ? 'nothing more can be done with it' : `allowed: ${allowed.join(', ')}`;
  return invalidTransition(`The appointment is ${status}, so ${action} is not possible; ${list}.`, {
    extra: { appointmentStatus: status, allowed },
  });
}

/** 409 while the doctor service owes an answer. */
export const waitingProblem = () =>
  changeInProgress(
    'An earlier change of the appointment waits for the doctor service; try again, or cancel.',
    {
      headers: { 'retry-after': '1' },
    },
  );
