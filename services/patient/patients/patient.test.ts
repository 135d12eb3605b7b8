import fc from 'fast-check';
import { Problem } from '../../shared/problem/problem.ts';
import { parseBody } from '../../shared/schema/parse.ts';
import { startOfPeriod } from '../../shared/schema/schema.ts';
import {
  digitsOf,
  identifierQuery,
  indexedPrefixes,
  isAfter,
  nameKey,
  patientBody,
  searchedWords,
  wordPatterns,
} from './patient.ts';

const pat = { familyName: 'Example', birthDate: '1980' };

/** What is wrong with the body, as `pointer detail`. */
function wrong(members: object): string[] {
  try {
    parseBody(patientBody, { ...pat, ...members });
    return [];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const errors = error.extra.errors as { pointer: string; detail: string }[];
    return errors.map(({ pointer, detail }) => `${pointer} ${detail}`);
  }
}

const identifierList = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ system: 'urn:x', value: String(index) }));

describe('the body of a patient', () => {
  test('needs a family name and a birth date', () => {
    expect(parseBody(patientBody, pat)).toEqual(pat);
    expect(wrong({ familyName: undefined, birthDate: undefined })).toEqual([
      '#/familyName is required',
      '#/birthDate is required',
    ]);
  });

  test.each([
    ['a family name of spaces', { familyName: ' \u00a0 ' }, ['#/familyName must not be empty']],
    [
      'a name of 101 characters',
      { givenName: 'x'.repeat(101) },
      ['#/givenName must be at most 100 characters'],
    ],
    ['NUL in a name', { givenName: 'a\0b' }, ['#/givenName must be Unicode text without NUL characters']],
    [
      'half a surrogate pair',
      { familyName: 'a\ud800' },
      ['#/familyName must be Unicode text without NUL characters'],
    ],
    ['null for a member', { phone: null }, ['#/phone must be a string']],
    [
      'a gender that FHIR does not have',
      { gender: 'f' },
      ['#/gender must be one of: male, female, other, unknown'],
    ],
    [
      'a telephone number with letters',
      { phone: 'none' },
      ['#/phone must be a telephone number: digits, spaces and + ( ) . - /', '#/phone must have a digit'],
    ],
    ['a telephone number without digits', { phone: '+()' }, ['#/phone must have a digit']],
    ['no e-mail address', { email: 'a@b' }, ['#/email must be an e-mail address']],
    ['a misspelt member', { familyname: 'x' }, ['#/familyname is not known here']],
    ['a misspelt member inside', { address: { zip: '1' } }, ['#/address/zip is not known here']],
    ['a line that is no list', { address: { line: 'Street' } }, ['#/address/line must be an array']],
    ['a contact that is a name', { emergencyContact: 'Max' }, ['#/emergencyContact must be an object']],
    [
      'more than 20 identifiers',
      { identifiers: identifierList(21) },
      ['#/identifiers must have at most 20 items'],
    ],
    [
      'an identifier without a system',
      { identifiers: [{ value: '1' }] },
      ['#/identifiers/0/system is required'],
    ],
    [
      'an identifier without a value',
      { identifiers: [{ system: 'urn:x', value: ' ' }] },
      ['#/identifiers/0/value must not be empty'],
    ],
    [
      'a system that a search could not name',
      { identifiers: [{ system: 'a|b', value: '1' }] },
      ['#/identifiers/0/system must not have a |'],
    ],
    [
      'the same identifier twice',
      { identifiers: [...identifierList(3), { system: 'urn:x', value: ' 1 ' }] },
      ['#/identifiers/3 must not be there twice'],
    ],
  ])('422 for %s', (_what, members, errors) => {
    expect(wrong(members)).toEqual(errors);
  });

  test('422 names every invalid member at once', () => {
    expect(wrong({ familyName: 1, birthDate: 'x', gender: 'x', address: { city: 2 }, oops: 1 })).toEqual([
      '#/familyName must be a string',
      '#/birthDate must be a date that exists, as YYYY, YYYY-MM or YYYY-MM-DD',
      '#/gender must be one of: male, female, other, unknown',
      '#/address/city must be a string',
      '#/oops is not known here',
    ]);
  });

  test('20 identifiers, a name of 100 characters and one that is spelt in two scripts are fine', () => {
    expect(
      wrong({ identifiers: identifierList(20), familyName: 'x'.repeat(100), givenName: '山田 Taro' }),
    ).toEqual([]);
  });
});

describe('a birth date', () => {
  test.each(['1980', '1980-05', '1980-05-17', '2000-02-29', '0001'])('may be %s', (birthDate) => {
    expect(wrong({ birthDate })).toEqual([]);
  });

  test.each([
    '',
    '80',
    '1980-5',
    '1980-13',
    '1980-00',
    '1900-02-29',
    '1980-05-17T00:00:00Z',
    '19800517',
    '1980/05',
    '0000',
    ' 1980',
  ])('may not be "%s"', (birthDate) => {
    expect(wrong({ birthDate })).toEqual([
      '#/birthDate must be a date that exists, as YYYY, YYYY-MM or YYYY-MM-DD',
    ]);
  });

  test.each([
    ['2026-03-02', false],
    ['2026-03-03', true],
    ['2026-03', false],
    ['2026-04', true],
    ['2026', false],
    ['2027', true],
  ])('%s is after 2026-03-02: %s', (birthDate, after) => {
    expect(isAfter(birthDate, '2026-03-02')).toBe(after);
  });

  const anyDay = fc
    .date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T00:00:00Z'),
      noInvalidDate: true,
    })
    .map((date) => date.toISOString().slice(0, 10));

  test('of any day, month or year is after today only if its first day is', () => {
    fc.assert(
      fc.property(anyDay, anyDay, fc.constantFrom<4 | 7 | 10>(4, 7, 10), (day, today, length) => {
        const partial = day.slice(0, length);
        expect(wrong({ birthDate: partial })).toEqual([]);
        const rest = { 4: '-01-01', 7: '-01', 10: '' }[length];
        expect(startOfPeriod(partial)).toBe(`${partial}${rest}T00:00:00.000Z`);
        expect(isAfter(partial, today)).toBe(`${partial}${rest}` > today);
        expect(isAfter(today.slice(0, length), today)).toBe(false);
      }),
    );
  });
});

describe('the key that names are sorted and searched by', () => {
  const key = (familyName: string, givenName?: string) =>
    nameKey(givenName === undefined ? { familyName } : { familyName, givenName });

  test('sorts by family name, then given name, without case and accents', () => {
    const keys = [
      key('Garcia'),
      key('García', 'Ana'),
      key('GARCIA', 'zoe'),
      key('García López', 'Ana'),
      key('Garciaparra', 'Ana'),
      key('O’Brien', 'Mary'),
      key('Straße'),
      key('Strassen'),
    ];
    expect([...keys].sort()).toEqual(keys);
  });

  const matches = (name: string, word: string) => {
    const [pattern = ''] = wordPatterns([word]);
    return name.includes(pattern.slice(1, -1));
  };

  test('has each word after a space, so that a pattern finds its beginning', () => {
    const name = key('Lloyd-Atkinson', "Mary O'Hara");
    for (const word of ['lloyd', 'atk', 'lloydatkinson', 'mary', 'o', 'hara', 'ohara'])
      expect(matches(name, word)).toBe(true);
    for (const word of ['loyd', 'kinson', 'ary']) expect(matches(name, word)).toBe(false);
  });

  // U+FDFA is one character, and eighteen when it is folded.
  test('stays short enough for an index whatever is folded', () => {
    for (const character of ['\ufdfa', '\u{20000}', '㌖']) {
      const name = character.repeat(100);
      expect(Buffer.byteLength(key(name, name))).toBeLessThanOrEqual(2_400);
      expect(key(name, name).isWellFormed()).toBe(true);
    }
  });
});

describe('a search', () => {
  test.each([
    ['  Mar  ', ['mar']],
    ['ØRSTED łuk Groß', ['orsted', 'luk', 'gross']],
    ["O'Brien-Æsop", ['o', 'brien', 'aesop']],
    ['mar mar', ['mar']],
    ['王', ['王']],
    ['100%', ['100']],
  ])('for "%s" asks for the words %j', (search, words) => {
    expect(searchedWords.parse(search)).toEqual(words);
  });

  test.each([
    ['', 'must not be empty'],
    [' ', 'must not be empty'],
    ['—', 'must have a letter or a digit'],
    ['%_\\', 'must have a letter or a digit'],
    ['a b c d e f g h i j k', 'must have at most 10 words'],
    ['x'.repeat(301), 'must be at most 300 characters'],
  ])('for "%s" is refused: %s', (search, message) => {
    expect(searchedWords.safeParse(search).error?.issues.map((issue) => issue.message)).toEqual([message]);
  });

  test.each([
    [
      ['m', 'ma', 'mar'],
      ['m', 'ma', 'mar'],
    ],
    [['mart', 'marc'], ['mar']],
    [
      ['𝟭𝟮𝟯𝟰', 'm'],
      ['𝟭𝟮𝟯', 'm'],
    ],
    [['mart', 'anna', 'b'], ['ann mar']],
    [
      ['mart', 'anna', 'bob'],
      ['ann bob', 'ann mar', 'bob mar'],
    ],
    [['𠀀𠀁𠀂', '﨎﨏﨑'], ['﨎﨏﨑 𠀀𠀁𠀂']],
  ])('looks %j up under %j', (words, prefixes) => {
    expect(indexedPrefixes(words)).toEqual(prefixes);
  });
});

test('an identifier is asked for as system|value; the value may have more of them', () => {
  expect(identifierQuery.parse('urn:x|1|2')).toEqual(['urn:x', '1|2']);
  for (const text of ['', '|', 'urn:x', 'urn:x|', '|1', 'urn:x|\0'])
    expect(identifierQuery.safeParse(text).error?.issues[0]?.message).toBe(
      'must be a system and a value with | between them',
    );
});

test('telephone numbers are compared by their digits', () => {
  expect(digitsOf('+49 (30) 12-34/5')).toBe('493012345');
});
