import type { z } from 'zod';
import {
  email,
  emptyBody,
  endOfPeriod,
  instant,
  instantOrPartialDate,
  languageTag,
  localDate,
  localDateTime,
  localEndTime,
  localTime,
  longText,
  name,
  partialDate,
  phone,
  startOfPeriod,
  timeZone,
  uuid,
  wholeNumber,
} from './schema.ts';

const accepts = (schema: z.ZodType, value: unknown): boolean => schema.safeParse(value).success;

/** The output, or undefined when the value is refused. */
const read = (schema: z.ZodType, value: unknown): unknown => schema.safeParse(value).data;

describe('an instant', () => {
  test.each([
    ['2026-03-02T09:30:00Z', '2026-03-02T09:30:00.000Z'],
    ['2026-03-02T09:30:00+01:00', '2026-03-02T08:30:00.000Z'],
    ['2026-03-02T09:30:00-00:00', '2026-03-02T09:30:00.000Z'],
    ['2026-03-02t09:30:00.5z', '2026-03-02T09:30:00.500Z'],
    ['2026-03-02T09:30:00.9999999+05:45', '2026-03-02T03:45:00.999Z'],
    ['2024-02-29T23:59:59+23:59', '2024-02-29T00:00:59.000Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
  ])('%s leaves as %s', (given, out) => expect(read(instant, given)).toBe(out));

  test.each([
    ['has no offset', '2026-03-02T09:30:00'],
    ['has an offset without a colon', '2026-03-02T09:30:00+0100'],
    ['has an offset of a day', '2026-03-02T09:30:00+24:00'],
    ['has an offset of 60 minutes', '2026-03-02T09:30:00+01:60'],
    ['is on a day that does not exist', '2026-02-29T00:00:00Z'],
    ['is on a leap day of 1900', '1900-02-29T00:00:00Z'],
    ['is on day 31 of a short month', '2026-04-31T00:00:00Z'],
    ['is in month 13', '2026-13-01T00:00:00Z'],
    ['is a leap second, which no database keeps', '2016-12-31T23:59:60Z'],
    ['has hour 24', '2026-03-02T24:00:00Z'],
    ['is in the year 0', '0000-06-01T00:00:00Z'],
    ['is in the year 0 in UTC', '0001-01-01T00:00:00+01:00'],
    ['is in the year 10000 in UTC', '9999-12-31T23:59:59-01:00'],
    ['has no seconds', '2026-03-02T09:30Z'],
    ['has a blank instead of T', '2026-03-02 09:30:00Z'],
    ['has a year of six digits', '+002026-03-02T09:30:00Z'],
    ['ends with a newline', '2026-03-02T09:30:00Z\n'],
    ['has digits of another script', '２０２６-03-02T09:30:00Z'],
    ['is a number', 1_772_443_800],
    ['is null', null],
  ])('is refused when it %s', (_why, given) => expect(accepts(instant, given)).toBe(false));
});

describe('dates and wall-clock times', () => {
  test.each(['2024-02-29', '2026-12-31', '0001-01-01'])('%s is a date', (value) =>
    expect(accepts(localDate, value)).toBe(true),
  );
  test.each(['2026-02-29', '2026-00-10', '2026-1-1', '0000-01-01', '2026-01-32', '2026-01-01T00:00', ''])(
    '%s is no date',
    (value) => expect(accepts(localDate, value)).toBe(false),
  );

  test.each(['1980', '1980-02', '1980-02-29', '0050'])('%s is a partial date', (value) =>
    expect(accepts(partialDate, value)).toBe(true),
  );
  test.each(['1981-02-29', '1980-13', '1980-', '80', '19800', '0000', '1980-2', '1980-02-29T00:00:00Z'])(
    '%s is no partial date',
    (value) => expect(accepts(partialDate, value)).toBe(false),
  );

  test('an instant or a partial date is either, and an instant leaves in UTC', () => {
    expect(read(instantOrPartialDate, '1980')).toBe('1980');
    expect(read(instantOrPartialDate, '1980-02')).toBe('1980-02');
    expect(read(instantOrPartialDate, '1980-02-03t04:05:06+01:00')).toBe('1980-02-03T03:05:06.000Z');
    expect(accepts(instantOrPartialDate, '1980-02-30')).toBe(false);
    expect(accepts(instantOrPartialDate, '1980-02-03T04:05:06')).toBe(false);
    expect(accepts(instantOrPartialDate, 1980)).toBe(false);
  });

  test.each([
    ['2026', '2026-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['2026-12', '2026-12-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['2024-02', '2024-02-01T00:00:00.000Z', '2024-03-01T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z', '2024-03-01T00:00:00.000Z'],
    ['2025-12-31', '2025-12-31T00:00:00.000Z', '2026-01-01T00:00:00.000Z'],
    ['0050', '0050-01-01T00:00:00.000Z', '0051-01-01T00:00:00.000Z'],
    ['2026-03-02T09:30:00.000Z', '2026-03-02T09:30:00.000Z', '2026-03-02T09:30:00.000Z'],
    // No year of five digits leaves: neither text order nor the database would understand it.
    ['9999', '9999-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'],
    ['9999-12-31', '9999-12-31T00:00:00.000Z', '9999-12-31T23:59:59.999Z'],
  ])('%s goes from %s to %s', (value, start, end) => {
    expect(startOfPeriod(value)).toBe(start);
    expect(endOfPeriod(value)).toBe(end);
  });

  test.each([
    ['00:00', true, true],
    ['23:59', true, true],
    ['24:00', false, true],
    ['24:01', false, false],
    ['9:00', false, false],
    ['09:60', false, false],
    ['09:00:00', false, false],
    ['09:00\n', false, false],
  ])('%s is a local time: %s, an end: %s', (value, isTime, isEnd) => {
    expect(accepts(localTime, value)).toBe(isTime);
    expect(accepts(localEndTime, value)).toBe(isEnd);
  });

  test('a local date and time has no offset and no seconds, and its day exists', () => {
    expect(accepts(localDateTime, '2024-02-29T23:59')).toBe(true);
    for (const value of [
      '2026-02-29T09:00',
      '2026-02-28T24:00',
      '2026-02-28T09:00Z',
      '2026-02-28T09:00:00',
      '2026-02-28 09:00',
      '2026-02-28',
    ])
      expect([value, accepts(localDateTime, value)]).toEqual([value, false]);
  });
});

describe('time zones and languages', () => {
  test.each(['Europe/Berlin', 'UTC', 'Etc/GMT+5', 'Asia/Kolkata', 'America/Argentina/Buenos_Aires'])(
    '%s is a time zone',
    (value) => expect(read(timeZone, value)).toBe(value),
  );
  test.each(['+01:00', '-05', 'Mars/Base', 'CEST+2', '', ' UTC', 'Europe/Berlin\0', 'Europe/../etc'])(
    '%j is no time zone',
    (value) => expect(accepts(timeZone, value)).toBe(false),
  );

  test.each([
    ['de', 'de'],
    ['PT-br', 'pt-BR'],
    ['zh-hans-cn', 'zh-Hans-CN'],
  ])('%s is a language tag and leaves as %s', (given, out) => expect(read(languageTag, given)).toBe(out));
  test.each(['de_DE', '', 'x', 'deutsche sprache', 'de-', '😀'])('%j is no language tag', (value) =>
    expect(accepts(languageTag, value)).toBe(false),
  );

  test('what is too long is told once', () => {
    for (const schema of [timeZone, languageTag, phone, email]) {
      const { error } = schema.safeParse('a'.repeat(1_000));
      expect(error?.issues.map(({ message }) => message)).toEqual([
        expect.stringMatching(/^must be at most \d+ characters$/),
      ]);
    }
  });
});

describe('texts', () => {
  test('are trimmed, and then neither empty nor too long', () => {
    expect(read(name, '  Ada\u00a0\n')).toBe('Ada');
    expect(accepts(name, ' \t\n ')).toBe(false);
    expect(accepts(name, ` ${'a'.repeat(100)} `)).toBe(true);
    expect(accepts(name, 'a'.repeat(101))).toBe(false);
  });

  test('are measured in characters, not in UTF-16 units', () => {
    expect(accepts(name, '😀'.repeat(100))).toBe(true);
    expect(accepts(name, '😀'.repeat(101))).toBe(false);
    expect(accepts(longText, '𠮷'.repeat(2_000))).toBe(true);
  });

  test('hold no NUL and no half of a surrogate pair', () => {
    for (const value of ['a\0b', '\ud800', 'a\udc00']) expect(accepts(name, value)).toBe(false);
  });

  test('whole numbers are whole, in range, and numbers', () => {
    const minutes = wholeNumber(5, 480);
    expect([5, 480].map((value) => accepts(minutes, value))).toEqual([true, true]);
    for (const value of [4, 481, 5.5, '30', null, true, 2 ** 60, Number.POSITIVE_INFINITY])
      expect([value, accepts(minutes, value)]).toEqual([value, false]);
  });

  test('any 128 bits in hexadecimal digits are a UUID, and leave in lower case', () => {
    expect(read(uuid, 'ABCDEF01-2345-0789-0ABC-DEF012345678')).toBe('abcdef01-2345-0789-0abc-def012345678');
    for (const value of ['abcdef01234507890abcdef012345678', '{abcdef01-2345-0789-0abc-def012345678}', '1'])
      expect(accepts(uuid, value)).toBe(false);
  });

  test('telephone numbers and e-mail addresses', () => {
    for (const value of ['+49 (0)30 / 901820', '112', '+1-555.0100', '030/901820'])
      expect([value, accepts(phone, value)]).toEqual([value, true]);
    for (const value of ['', '+', '()', '+49+30', 'call me', '１２３'])
      expect([value, accepts(phone, value)]).toEqual([value, false]);
    expect(read(email, ' ada@example.org ')).toBe('ada@example.org');
    for (const value of [
      'ada',
      'ada@',
      '@example.org',
      'a b@example.org',
      'ada@example.org\0',
      `${'a'.repeat(250)}@example.org`,
    ])
      expect([value, accepts(email, value)]).toEqual([value, false]);
  });

  test('100 kB of anything are refused without delay', () => {
    const started = performance.now();
    for (const schema of [
      phone,
      email,
      timeZone,
      languageTag,
      instant,
      localDate,
      localDateTime,
      partialDate,
      uuid,
    ]) {
      for (const unit of ['1 ', ' ', 'a.', '(', 'a@', '0-', '/a']) {
        accepts(schema, `${unit.repeat(100_000 / unit.length)}x`);
        accepts(schema, `x${unit.repeat(100_000 / unit.length)}`);
      }
    }
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test('the body of an action may be absent or {}, and holds nothing else', () => {
    expect(accepts(emptyBody, undefined)).toBe(true);
    expect(accepts(emptyBody, {})).toBe(true);
    for (const value of [null, [], '', { force: true }]) expect(accepts(emptyBody, value)).toBe(false);
  });
});
