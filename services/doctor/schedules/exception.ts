import { z } from 'zod';
import { localDateTime, longText } from '../../shared/schema/schema.ts';

// With this in `when`, the order of both is judged whatever is wrong with other members.
const span = z.object({ from: localDateTime, to: localDateTime });

/** The body of `POST /doctors/{id}/exceptions`. */
export const exceptionBody = z
  .strictObject({
    kind: z.enum(['closed', 'open']).describe('Closed beats open'),
    from: localDateTime.describe("In the schedule's time zone"),
    to: localDateTime.describe("In the schedule's time zone"),
    reason: longText.optional(),
    keepReservations: z.boolean().default(false).describe('Leave reservations that lie in the closed time'),
  })
  .refine(({ from, to }) => from < to, {
    path: ['to'],
    error: 'must be after from',
    when: ({ value }) => span.safeParse(value).success,
  });

export type ExceptionBody = z.output<typeof exceptionBody>;

/** A dated change to the schedule: closed (leave) or open (extra hours). Stored without a schedule as well. */
export type Exception = Readonly<Omit<ExceptionBody, 'keepReservations'>>;
