import fc from 'fast-check';
import { Problem } from '../../shared/problem/problem.ts';
import { parseBody } from '../../shared/schema/parse.ts';
import { endOfPeriod, startOfPeriod } from '../../shared/schema/schema.ts';
import { amendedEntry, entryBody } from './entry.ts';

const note = { kind: 'note', description: 'A note', occurredAt: '2020' };

/** What is wrong with an entry, as `pointer detail`. */
function wrong(members: object, schema: typeof entryBody | typeof amendedEntry = entryBody): string[] {
  try {
    parseBody(schema, { ...note, ...members });
    return [];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const errors = error.extra.errors as { pointer: string; detail: string }[];
    return errors.map(({ pointer, detail }) => `${pointer} ${detail}`);
  }
}

describe('the body of an entry', () => {
  test('needs kind, description and when it occurred', () => {
    expect(parseBody(entryBody, note)).toEqual(note);
    expect(wrong({ kind: undefined, description: undefined, occurredAt: undefined })).toEqual([
      '#/kind is required',
      '#/description is required',
      '#/occurredAt is required',
    ]);
  });

  test('instants are stored in UTC, dates as they are', () => {
    const times = { occurredAt: '2020-03-01T10:00:00+01:00', endedAt: '2020-03' };
    expect(parseBody(entryBody, { ...note, ...times })).toMatchObject({
      occurredAt: '2020-03-01T09:00:00.000Z',
      endedAt: '2020-03',
    });
  });

  const when = 'must be an instant with an offset (RFC 3339) or a date as YYYY, YYYY-MM or YYYY-MM-DD';

  test.each([
    [
      'a visit, which is derived',
      { kind: 'visit' },
      ['#/kind must be one of: condition, allergy, medication, procedure, immunization, observation, note'],
    ],
    ['an empty description', { description: ' ' }, ['#/description must not be empty']],
    [
      'a description of 2,001 characters',
      { description: 'x'.repeat(2_001) },
      ['#/description must be at most 2000 characters'],
    ],
    ['an instant without an offset', { occurredAt: '2020-01-01T10:00:00' }, [`#/occurredAt ${when}`]],
    [
      'a date that does not exist',
      { occurredAt: '2020-02-30', endedAt: '2021-02-29' },
      [`#/occurredAt ${when}`, `#/endedAt ${when}`],
    ],
    ['a severity of its own', { severity: 'bad' }, ['#/severity must be one of: mild, moderate, severe']],
    ['an appointment that is no UUID', { appointmentId: '1' }, ['#/appointmentId must be a UUID']],
    ['an unknown member of the code', { code: { systm: 'x' } }, ['#/code/systm is not known here']],
    ['what only an amendment may say', { enteredInError: true }, ['#/enteredInError is not known here']],
    [
      'null for a member',
      { severity: null, endedAt: null },
      ['#/endedAt must be a string', '#/severity must be one of: mild, moderate, severe'],
    ],
    [
      'an end before the start, among other errors',
      { endedAt: '2019', oops: 1 },
      ['#/oops is not known here', '#/endedAt must not end before occurredAt begins'],
    ],
  ])('422 for %s', (_what, members, errors) => {
    expect(wrong(members)).toEqual(errors);
  });

  test('an amendment may strike', () => {
    expect(wrong({ enteredInError: true }, amendedEntry)).toEqual([]);
    expect(wrong({ enteredInError: 'yes' }, amendedEntry)).toEqual([
      '#/enteredInError must be true or false',
    ]);
    expect(wrong({ endedAt: '2019' }, amendedEntry)).toEqual([
      '#/endedAt must not end before occurredAt begins',
    ]);
  });
});

describe('the end of an entry', () => {
  const isInOrder = (occurredAt: string, endedAt: string) => wrong({ occurredAt, endedAt }).length === 0;

  test.each([
    ['2020', '2020', true],
    ['2020-06-15', '2020', true],
    ['2020-06-15', '2020-06', true],
    ['2020-06-15', '2020-05', false],
    ['2020-06-15', '2020-06-14', false],
    ['2020-06', '2020-06-01', true],
    ['2020-06', '2020-05-31', false],
    ['2020-06-15T10:00:00Z', '2020-06-15', true],
    ['2020-06-15T10:00:00Z', '2020-06-14', false],
    ['2020-06-15T10:00:00Z', '2020-06-15T10:00:00Z', true],
    ['2020-06-15T10:00:00Z', '2020-06-15T09:59:59.999Z', false],
    ['2020-06-15T10:00:00Z', '2020-06-15T12:30:00+03:00', false],
    ['2020-06-15', '2020-06-15T00:00:00Z', true],
    ['2020-06-15', '2020-06-14T23:59:59Z', false],
    ['2020-06-15T00:00:00Z', '2020-06-14', false],
    ['9999-12-31', '9999', true],
    ['9999', '9999-12-31', true],
  ])('of what occurred at %s may be %s: %s', (occurredAt, endedAt, allowed) => {
    expect(isInOrder(occurredAt, endedAt)).toBe(allowed);
  });

  const instant = fc
    .date({
      min: new Date('0002-01-01T00:00:00Z'),
      max: new Date('9998-12-31T23:59:59Z'),
      noInvalidDate: true,
    })
    .map((date) => date.toISOString());
  const moment = fc
    .tuple(instant, fc.constantFrom(4, 7, 10, 24))
    .map(([text, length]) => text.slice(0, length));

  test('is never before the start when some moment of it is not', () => {
    fc.assert(
      fc.property(moment, moment, (occurredAt, endedAt) => {
        const start = Date.parse(startOfPeriod(occurredAt));
        const lastMoment = endedAt.length === 24 ? Date.parse(endedAt) : Date.parse(endOfPeriod(endedAt)) - 1;
        expect(isInOrder(occurredAt, endedAt)).toBe(lastMoment >= start);
        expect(isInOrder(occurredAt, occurredAt)).toBe(true);
      }),
    );
  });
});
