import { Problem } from '../../shared/problem/problem.ts';
import { parseBody } from '../../shared/schema/parse.ts';
import { doctorBody, languageKeys, nameKey, specialtyKey } from './doctor.ts';

const ada = {
  givenName: 'Ada',
  familyName: 'Example',
  specialties: ['Cardiology'],
  timeZone: 'Europe/Berlin',
};

/** What is wrong with the body, as `pointer detail`. */
function wrong(members: Record<string, unknown>): string[] {
  try {
    parseBody(doctorBody, { ...ada, ...members });
    return [];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const errors = error.extra.errors as { pointer: string; detail: string }[];
    return errors.map(({ pointer, detail }) => `${pointer} ${detail}`);
  }
}

describe('the body of a doctor', () => {
  test('needs two names, a specialty and a time zone', () => {
    expect(parseBody(doctorBody, ada)).toEqual(ada);
    expect(
      wrong({ givenName: undefined, familyName: undefined, specialties: undefined, timeZone: undefined }),
    ).toEqual([
      '#/givenName is required',
      '#/familyName is required',
      '#/specialties is required',
      '#/timeZone is required',
    ]);
  });

  test('may be full; names are trimmed and language tags get their canonical case', () => {
    const body = {
      ...ada,
      givenName: ' Ada ',
      licenseNumber: 'BE-1234/5',
      email: 'ada@example.org',
      phone: '+49 (30) 123-456',
      languages: ['de', 'pt-br', 'ZH-hant-tw'],
    };
    expect(parseBody(doctorBody, body)).toEqual({
      ...body,
      givenName: 'Ada',
      languages: ['de', 'pt-BR', 'zh-Hant-TW'],
    });
  });

  test.each([
    ['no specialty', { specialties: [] }, '#/specialties must have at least 1 item'],
    [
      'too many specialties',
      { specialties: Array.from({ length: 21 }, (_, index) => `Specialty ${index}`) },
      '#/specialties must have at most 20 items',
    ],
    ['an empty specialty', { specialties: ['Cardiology', ' '] }, '#/specialties/1 must not be empty'],
    [
      'a specialty twice',
      { specialties: ['Kardiologie', 'Chirurgie', 'KARDIOLOGIE'] },
      '#/specialties/2 must not be there twice',
    ],
    [
      'the same specialty without its accent',
      { specialties: ['Pédiatrie', 'pediatrie'] },
      '#/specialties/1 must not be there twice',
    ],
    ['a specialty that is no text', { specialties: [1] }, '#/specialties/0 must be a string'],
    ['a language twice', { languages: ['de-AT', 'de-at'] }, '#/languages/1 must not be there twice'],
    [
      'a language that is no tag',
      { languages: ['de_AT'] },
      '#/languages/0 must be a BCP 47 language tag, such as de or pt-BR',
    ],
    [
      'a zone that does not exist',
      { timeZone: 'Europe/Atlantis' },
      '#/timeZone must be an IANA time zone name, such as Europe/Berlin',
    ],
    [
      'an offset instead of a zone',
      { timeZone: '+01:00' },
      '#/timeZone must be an IANA time zone name, such as Europe/Berlin',
    ],
    [
      'a name of 101 characters',
      { familyName: 'x'.repeat(101) },
      '#/familyName must be at most 100 characters',
    ],
    ['a name of spaces', { givenName: '   ' }, '#/givenName must not be empty'],
    [
      'a NUL character',
      { licenseNumber: 'A\0' },
      '#/licenseNumber must be Unicode text without NUL characters',
    ],
    ['an address that is none', { email: 'ada@' }, '#/email must be an e-mail address'],
    ['a number without digits', { phone: '+()' }, '#/phone must have a digit'],
    ['a member that is not known', { licenceNumber: 'A' }, '#/licenceNumber is not known here'],
    ['null for a member', { phone: null }, '#/phone must be a string'],
  ])('422 for %s', (_name, members, expected) => {
    expect(wrong(members)).toEqual([expected]);
  });
});

test('specialties are compared without case and accents', () => {
  expect(specialtyKey('PÉDIATRIE')).toBe(specialtyKey('pediatrie'));
  expect(specialtyKey('Pédiatrie')).not.toBe(specialtyKey('Pédiatre'));
});

test('a language tag is found by every range that it begins with', () => {
  expect(languageKeys(['pt-BR', 'zh-Hant-TW', 'pt'])).toEqual(['pt', 'pt-br', 'zh', 'zh-hant', 'zh-hant-tw']);
  expect(languageKeys()).toEqual([]);
});

test('names are sorted by family name, then given name', () => {
  const keys = [
    nameKey({ ...ada, familyName: 'Li', givenName: 'Wei' }),
    nameKey({ ...ada, familyName: 'Li', givenName: 'Zoë' }),
    nameKey({ ...ada, familyName: 'Lia', givenName: 'Ana' }),
    nameKey({ ...ada, familyName: 'Óscar', givenName: 'B' }),
    nameKey({ ...ada, familyName: 'Pérez', givenName: 'A' }),
  ];
  expect([...keys].sort()).toEqual(keys);
});

// U+FDFA is one character, and eighteen when it is folded.
test('keys stay short enough for an index whatever is folded', () => {
  const long = '\ufdfa'.repeat(100);
  expect(nameKey({ ...ada, givenName: long, familyName: long })).toHaveLength(200);
  expect(specialtyKey(long)).toHaveLength(200);
});
