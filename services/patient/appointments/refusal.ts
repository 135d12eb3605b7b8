import { defineProblem, type Problem } from '../../shared/problem/problem.ts';

/** Why the doctor's calendar said no, and the problem that it is for the client. */
const refusals = {
  'unknown-doctor': defineProblem('unknown-doctor', 404, 'There is no such doctor'),
  'too-soon': defineProblem(
    'too-soon',
    409,
    'The time has passed or is within the notice that the doctor needs',
  ),
  'beyond-horizon': defineProblem(
    'beyond-horizon',
    409,
    'The time is further ahead than the doctor takes bookings',
  ),
  'outside-working-hours': defineProblem(
    'outside-working-hours',
    409,
    'The doctor does not work at that time',
  ),
  'not-on-slot-grid': defineProblem(
    'not-on-slot-grid',
    409,
    "The time does not start on one of the doctor's slots",
  ),
  'slot-taken': defineProblem('slot-taken', 409, 'The time is taken'),
} as const;

export type RefusalReason = keyof typeof refusals;

export const refusalReasons = Object.keys(refusals) as readonly RefusalReason[];

export const isRefusalReason = (word: string): word is RefusalReason => Object.hasOwn(refusals, word);

const SENTENCES: Readonly<Record<RefusalReason, string>> = {
  'unknown-doctor': 'No doctor has this doctorId.',
  'too-soon': 'startsAt has passed, or is nearer than the notice that the doctor needs.',
  'beyond-horizon': 'startsAt is further ahead than the doctor takes bookings.',
  'outside-working-hours':
    'The time is not wholly within hours in which the doctor works; see /doctors/{id}/availability.',
  'not-on-slot-grid': "startsAt is not one of the doctor's slots; see /doctors/{id}/availability.",
  'slot-taken': 'The time overlaps another visit of the doctor; see /doctors/{id}/availability.',
};

/** The refusal of an appointment's wish, as a problem. */
export const refusalProblem = (reason: RefusalReason, appointmentId: string): Problem =>
  refusals[reason](SENTENCES[reason], { extra: { appointmentId } });
