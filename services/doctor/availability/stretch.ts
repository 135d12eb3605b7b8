import { z } from 'zod';
import { instant } from '../../shared/schema/schema.ts';

/** The longest stretch of time that is shown at once. */
const MAX_DAYS = 62;
const DAY_MS = 86_400_000;

const bounds = { from: instant, to: instant };

// With this in `when`, the length is judged whatever is wrong with other parameters.
const known = { when: ({ value }: { value: unknown }) => z.object(bounds).safeParse(value).success };

const lengthOf = ({ from, to }: Record<string, unknown>): number =>
  Date.parse(String(to)) - Date.parse(String(from));

/** The parameters of a question about `[from, to)`, instants at most 62 days apart, and those besides. */
export const stretchQuery = <Shape extends z.ZodRawShape>(besides: Shape) =>
  z
    .strictObject({ ...bounds, ...besides })
    .refine((query) => lengthOf(query) > 0, { path: ['to'], error: 'must be after from', ...known })
    .refine((query) => lengthOf(query) <= MAX_DAYS * DAY_MS, {
      path: ['to'],
      error: `must be at most ${MAX_DAYS} days after from`,
      ...known,
    });

/** How long a visit is asked for, 5 to 720 minutes. */
export const durationMinutes = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a whole number from 5 to 720')
  .transform(Number)
  .pipe(z.int().min(5).max(720));
