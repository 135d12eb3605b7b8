import { z } from 'zod';
import { localDate, localEndTime, localTime, timeZone, wholeNumber } from '../../shared/schema/schema.ts';

export const weekdays = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;

// With these in `when`, a rule about two members is judged whatever is wrong with the others.
const hours = z.object({ from: localTime, to: localEndTime });
const validity = z.object({ validFrom: localDate.optional(), validUntil: localDate.optional() });

/** Hours of every such day, on the wall clock. A shift over midnight is two: one to `24:00`, one from `00:00`. */
const weeklyWindow = z
  .strictObject({ weekday: z.enum(weekdays), from: localTime, to: localEndTime })
  .refine(({ from, to }) => from < to, {
    path: ['to'],
    error: 'must be after from',
    when: ({ value }) => hours.safeParse(value).success,
  });

export type WeeklyWindow = Readonly<z.output<typeof weeklyWindow>>;

const weeklyHours = z
  .array(weeklyWindow)
  .max(50)
  .superRefine((windows, context) => {
    for (const index of overlapping(windows)) {
      context.addIssue({
        code: 'custom',
        path: [index],
        message: 'must not overlap other hours of the same weekday',
      });
    }
  });

/** The body of `PUT /doctors/{id}/schedule`. */
export const scheduleBody = z
  .strictObject({
    weeklyHours,
    timeZone: timeZone.optional().describe("The doctor's, as it is now, unless another is given"),
    slotMinutes: wholeNumber(5, 480)
      .default(30)
      .describe('Visits start so far apart, from the start of each window'),
    bufferMinutes: wholeNumber(0, 240).default(0).describe('Kept free after each visit'),
    minimumNoticeMinutes: wholeNumber(0, 43_200).default(0),
    horizonDays: wholeNumber(1, 730).default(90).describe('How many days after today can be booked'),
    validFrom: localDate.optional().describe('The first day with weekly hours'),
    validUntil: localDate.optional().describe('The last day with weekly hours'),
    keepReservations: z
      .boolean()
      .default(false)
      .describe('Leave reservations that the change puts outside open time'),
  })
  .refine(({ validFrom, validUntil }) => !validFrom || !validUntil || validFrom <= validUntil, {
    path: ['validUntil'],
    error: 'must not be before validFrom',
    when: ({ value }) => validity.safeParse(value).success,
  });

export type ScheduleBody = z.output<typeof scheduleBody>;

/** When a doctor works and can be booked. The zone is copied when the schedule is put, so it is always there. */
export type Schedule = Readonly<Omit<ScheduleBody, 'keepReservations' | 'timeZone' | 'weeklyHours'>> & {
  readonly timeZone: string;
  readonly weeklyHours: readonly WeeklyWindow[];
};

/** Whether hours, zone or validity differ: only then can a new schedule leave reserved visits outside open time. */
export function changesHours(before: Schedule, after: Schedule): boolean {
  const key = ({ weeklyHours, timeZone, validFrom, validUntil }: Schedule) =>
    [
      ...weeklyHours.map(({ weekday, from, to }) => `${weekday} ${from} ${to}`).sort(),
      timeZone,
      validFrom,
      validUntil,
    ].join();
  return key(before) !== key(after);
}

/** The places of the windows that start before an earlier one of the same weekday has ended. */
function overlapping(windows: readonly WeeklyWindow[]): number[] {
  return windows.flatMap((window, index) =>
    windows.some((other, otherIndex) => otherIndex < index && overlap(window, other)) ? [index] : [],
  );
}

// Times of day of the same form sort as text, `24:00` last.
function overlap(a: WeeklyWindow, b: WeeklyWindow): boolean {
  return a.weekday === b.weekday && a.from < b.to && b.from < a.to;
}
