import { z } from 'zod';

// PostgreSQL's text cannot hold NUL, and a lone surrogate would be stored as another character than was sent.
const storable = (value: string): boolean => !value.includes('\0') && value.isWellFormed();

// What is too long needs no second look, which could be costly.
const atMost = (max: number) => ({ error: `must be at most ${max} characters`, abort: true });

/** Free text, trimmed, 1 to `max` characters (Unicode code points). */
export const text = (max: number) =>
  z
    .string()
    .trim()
    .min(1, 'must not be empty')
    .max(max, atMost(max))
    .refine(storable, 'must be Unicode text without NUL characters');

/** A name of a person or a thing: 1–100 characters after trimming. */
export const name = text(100);

/** Longer text: up to 2,000 characters. */
export const longText = text(2_000);

/** Any 128 bits, as in paths and as PostgreSQL reads them: an id of an unknown version is unknown, not invalid. */
export const uuid = z.guid('must be a UUID').transform((value) => value.toLowerCase());

export const email = z
  .string()
  .trim()
  .max(254, atMost(254))
  .meta({ format: 'email' })
  .pipe(z.email('must be an e-mail address'));

/** A telephone number as people write it; compared by its digits. */
export const phone = z
  .string()
  .trim()
  .max(40, atMost(40))
  .regex(/^\+?[\d ().\-/]+$/, 'must be a telephone number: digits, spaces and + ( ) . - /')
  .regex(/\d/, 'must have a digit');

/** A whole number between both ends, included. */
export const wholeNumber = (min: number, max: number) => {
  const range = `must be a whole number from ${min} to ${max}`;
  return z.int(range).min(min, range).max(max, range);
};

const daysInMonth = (year: number, month: number): number =>
  new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();

const isCalendarDate = (year: string, month: string, day: string): boolean =>
  Number(year) >= 1 &&
  Number(month) >= 1 &&
  Number(month) <= 12 &&
  Number(day) >= 1 &&
  Number(day) <= daysInMonth(Number(year), Number(month));

const INSTANT = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:[Zz]|[+-](\d\d):(\d\d))$/;

const isInstant = (value: string): boolean => {
  const [
    ,
    year = '',
    month = '',
    day = '',
    hour = '',
    minute = '',
    second = '',
    offsetHour = '0',
    offsetMinute = '0',
  ] = INSTANT.exec(value) ?? [];
  return (
    isCalendarDate(year, month, day) &&
    Number(hour) <= 23 &&
    Number(minute) <= 59 &&
    Number(second) <= 59 &&
    Number(offsetHour) <= 23 &&
    Number(offsetMinute) <= 59 &&
    new Date(value).getUTCFullYear() >= 1 &&
    new Date(value).getUTCFullYear() <= 9999
  );
};

/** RFC 3339 with an offset on the way in; the same instant in UTC with `Z`, to the millisecond, on the way out. */
export const instant = z
  .string()
  .refine(
    isInstant,
    'must be an instant with an offset, such as 2026-03-02T09:30:00Z or 2026-03-02T10:30:00+01:00 (RFC 3339; in a query + is written %2B)',
  )
  .meta({ format: 'date-time' })
  .transform((value) => new Date(value).toISOString());

/** `YYYY-MM-DD`, a day that exists. */
export const localDate = z
  .string()
  .refine((value) => {
    const [, year = '', month = '', day = ''] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(value) ?? [];
    return isCalendarDate(year, month, day);
  }, 'must be a date that exists, as YYYY-MM-DD')
  .meta({ format: 'date' });

const PARTIAL_DATE = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/;

/** `YYYY`, `YYYY-MM` or `YYYY-MM-DD` (FHIR's date). */
export const partialDate = z
  .string()
  .refine((value) => {
    const [match, year = '', month = '01', day = '01'] = PARTIAL_DATE.exec(value) ?? [];
    return match !== undefined && isCalendarDate(year, month, day);
  }, 'must be a date that exists, as YYYY, YYYY-MM or YYYY-MM-DD')
  .meta({ pattern: PARTIAL_DATE.source });

/** An instant or a partial date (FHIR's dateTime, but an instant always has its offset). */
export const instantOrPartialDate = z.string().transform((value, context) => {
  if (partialDate.safeParse(value).success) return value;
  const parsed = instant.safeParse(value);
  if (parsed.success) return parsed.data;
  context.addIssue('must be an instant with an offset (RFC 3339) or a date as YYYY, YYYY-MM or YYYY-MM-DD');
  return z.NEVER;
});

/** The first moment of an instant or partial date, in UTC. */
export const startOfPeriod = (value: string): string => {
  if (value.includes('T')) return value;
  const [year = '', month = '01', day = '01'] = value.split('-');
  return `${year}-${month}-${day}T00:00:00.000Z`;
};

/** Years have four digits: a fifth would break the order of texts, and no database reads it. */
const LAST_MOMENT = '9999-12-31T23:59:59.999Z';

/** The first moment after an instant or partial date, in UTC; an instant is its own end. */
export const endOfPeriod = (value: string): string => {
  if (value.includes('T')) return value;
  const [year, month, day] = value.split('-').map(Number);
  const end = new Date(startOfPeriod(value));
  if (day !== undefined) end.setUTCDate(day + 1);
  else if (month !== undefined) end.setUTCMonth(month);
  else end.setUTCFullYear((year ?? 0) + 1);
  return end.getUTCFullYear() > 9999 ? LAST_MOMENT : end.toISOString();
};

/** Wall-clock time `HH:MM`, from 00:00 to 23:59. */
export const localTime = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a local time as HH:MM, from 00:00 to 23:59');

/** The end of a stretch of wall-clock time: `HH:MM`, and `24:00` for the end of the day. */
export const localEndTime = z
  .string()
  .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'must be a local time as HH:MM, from 00:01 to 24:00');

/** Wall-clock date and time `YYYY-MM-DDTHH:MM`. */
export const localDateTime = z
  .string()
  .refine((value) => {
    const [date = '', time = ''] = value.split('T');
    return value.length === 16 && localDate.safeParse(date).success && localTime.safeParse(time).success;
  }, 'must be a local date and time that exists, as YYYY-MM-DDTHH:MM, without an offset')
  .meta({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d$' });

const ICU_NAME = /^(AC|AE|AG|AR|AS|BE|BS|CA|CN|CS|CT|EA|EC|IE|IS|JS|MI|NE|NS|PL|PN|PR|PS|SS|VS)T$/i;

const isTimeZone = (value: string): boolean => {
  // Offsets such as +01:00 are accepted by newer runtimes, and so are three-letter names of ICU that Temporal refuses.
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(value)) return false;
  if (ICU_NAME.test(value)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
    return true;
  } catch {
    return false;
  }
};

/** An IANA time zone name. */
export const timeZone = z
  .string()
  .max(64, atMost(64))
  .refine(isTimeZone, 'must be an IANA time zone name, such as Europe/Berlin');

const isLanguageTag = (value: string): boolean => {
  try {
    return Intl.getCanonicalLocales(value).length === 1;
  } catch {
    return false;
  }
};

/** A BCP 47 language tag, in canonical case. */
export const languageTag = z
  .string()
  .max(35, atMost(35))
  .refine(isLanguageTag, 'must be a BCP 47 language tag, such as de or pt-BR')
  .transform((value) => Intl.getCanonicalLocales(value)[0] ?? value);

/** No member is allowed: the body of an action that needs none. */
export const emptyBody = z.strictObject({}).optional();
