import { z } from 'zod';
import { defineProblem } from '../../shared/problem/problem.ts';
import { instant, uuid, wholeNumber } from '../../shared/schema/schema.ts';

/** Why a doctor's time was not given; the words are the patient service's problems too. */
export const refusalReasons = [
  'unknown-doctor',
  'too-soon',
  'beyond-horizon',
  'outside-working-hours',
  'not-on-slot-grid',
  'slot-taken',
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

const MAX_VISIT_MS = 720 * 60_000;
const isVisit = (lengthMs: number): boolean => lengthMs > 0 && lengthMs <= MAX_VISIT_MS;

/** A revision that asks for time. */
export const reservationRequest = z
  .strictObject({
    doctorId: uuid,
    startsAt: instant,
    endsAt: instant,
    revision: wholeNumber(1, 1_000_000_000),
  })
  .refine(({ startsAt, endsAt }) => isVisit(Date.parse(endsAt) - Date.parse(startsAt)), {
    path: ['endsAt'],
    message: 'must be after startsAt, by 720 minutes at most',
  });

/** One answered revision of an appointment. A release has neither doctor nor time; a reason only a refusal. */
export const reservation = z.strictObject({
  appointmentId: z.uuid(),
  revision: z.int(),
  state: z.enum(['active', 'refused', 'released']),
  doctorId: z.uuid().optional(),
  startsAt: z.iso.datetime().optional(),
  endsAt: z.iso.datetime().optional(),
  reason: z.enum(refusalReasons).optional(),
});

/** The newest revision of an appointment, and the active one if that is another. */
export const newestReservation = reservation.extend({ active: reservation.optional() });

/** A line of the agenda; the buffer is not part of the visit. */
export const agendaEntry = z.strictObject({
  appointmentId: z.uuid(),
  revision: z.int(),
  startsAt: z.iso.datetime(),
  endsAt: z.iso.datetime(),
});

// No answers: the caller reads its own row again (design: "two revisions at once").
export const superseded = defineProblem(
  'superseded',
  409,
  'A newer revision of the appointment was answered already',
);
export const revisionMismatch = defineProblem(
  'revision-mismatch',
  409,
  'The revision was answered for another doctor or time',
);

const TITLES: Readonly<Record<RefusalReason, string>> = {
  'unknown-doctor': 'There is no such doctor',
  'too-soon': 'The time has passed or is within the notice that the doctor needs',
  'beyond-horizon': 'The time is further ahead than the doctor takes bookings',
  'outside-working-hours': 'The doctor does not work at that time',
  'not-on-slot-grid': "The time does not start on one of the doctor's slots",
  'slot-taken': 'The time is taken',
};

const refusals = Object.fromEntries(
  refusalReasons.map((reason) => [reason, defineProblem(reason, 409, TITLES[reason])]),
) as Readonly<Record<RefusalReason, ReturnType<typeof defineProblem>>>;

/** The refusal as a problem. */
export const refusal = (reason: RefusalReason) => refusals[reason](`${TITLES[reason]}.`);
