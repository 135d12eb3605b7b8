import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { problemOf } from '../../testing/calendar.ts';
import { addPatient } from '../../testing/people.ts';
import { startPatient, type TestService } from '../../testing/services.ts';
import { searchedWords } from './patient.ts';
import { INSERT_PREFIXES } from './prefix-store.ts';

let t: TestService;
beforeAll(async () => {
  t = await startPatient();
});
afterAll(() => t.stop());

type Query = Readonly<Record<string, string>>;

const list = async (query: Query) => (await t.api.get('/patients').query(query).expect(200)).body;

/** The names that a query gives, given name first. */
async function names(query: Query): Promise<string[]> {
  const { items } = await list(query);
  return items.map(({ givenName, familyName }: Query) => [givenName, familyName].filter(Boolean).join(' '));
}

describe('GET /patients?search=', () => {
  beforeAll(async () => {
    const people = [
      ['Zoë', 'Groß'],
      ['Søren', 'Ørsted'],
      ['Æthelred', 'Łukasiewicz'],
      ['Anne-Marie', "O'Brien"],
      ['José María', 'García López'],
      ['Marcello', 'Martinez'],
      ['İpek', 'Çelik'],
      ['Νίκος', 'Παπαδόπουλος'],
      ['小明', '王'],
      // UTF-16 has them in another order than UTF-8.
      ['𠀀𠀁𠀂', '﨎﨏﨑'],
      ['Ёлка', 'Иванова'],
      ['Kaʻiulani', 'Oʼneill'],
    ];
    for (const [givenName, familyName] of people) await addPatient(t, { givenName, familyName });
  });

  test.each([
    ['gross', 'Zoë Groß'],
    ['GROSS', 'Zoë Groß'],
    ['groß', 'Zoë Groß'],
    ['zoe', 'Zoë Groß'],
    ['orst', 'Søren Ørsted'],
    ['sor ØRS', 'Søren Ørsted'],
    ['aeth', 'Æthelred Łukasiewicz'],
    ['luka', 'Æthelred Łukasiewicz'],
    ['łukas æ', 'Æthelred Łukasiewicz'],
    ['obrien', "Anne-Marie O'Brien"],
    ['o’brien', "Anne-Marie O'Brien"],
    ['brien', "Anne-Marie O'Brien"],
    ['annemarie', "Anne-Marie O'Brien"],
    ['anne-marie', "Anne-Marie O'Brien"],
    ['marie b anne', "Anne-Marie O'Brien"],
    ['lop mar jos gar', 'José María García López'],
    ['lopez garcia', 'José María García López'],
    ['marcello martinez', 'Marcello Martinez'],
    ['martinez mar', 'Marcello Martinez'],
    ['ipek celik', 'İpek Çelik'],
    ['παπα', 'Νίκος Παπαδόπουλος'],
    ['ΝΙΚΟΣ', 'Νίκος Παπαδόπουλος'],
    ['王', '小明 王'],
    ['小 王', '小明 王'],
    ['𠀀𠀁𠀂 﨎﨏﨑', '𠀀𠀁𠀂 﨎﨏﨑'],
    ['елк ива', 'Ёлка Иванова'],
    ["kaiulani o'neill", 'Kaʻiulani Oʼneill'],
    ['neill iulani', 'Kaʻiulani Oʼneill'],
  ])('%s finds %s', async (search, name) => {
    expect(await names({ search })).toEqual([name]);
    for (const sort of ['-familyName', '-updatedAt']) expect(await names({ search, sort })).toEqual([name]);
    expect(await names({ search, birthDate: '1980' })).toEqual([name]);
  });

  test.each([
    'rien',
    'ross',
    'garcia obrien',
    'mar martinezz',
    'marc marc x',
    '明',
    'anne marie brian',
    '100%',
  ])('%s finds nobody', async (search) => {
    for (const sort of ['familyName', 'createdAt']) expect(await names({ search, sort })).toEqual([]);
  });

  test('a word that begins two words of a name finds the patient once', async () => {
    expect(await names({ search: 'mar' })).toEqual([
      'José María García López',
      'Marcello Martinez',
      "Anne-Marie O'Brien",
    ]);
    expect(await names({ search: 'mar', sort: '-familyName' })).toEqual([
      "Anne-Marie O'Brien",
      'Marcello Martinez',
      'José María García López',
    ]);
  });

  test('a name of as many words as fit is found by any two of them', async () => {
    const words = Array.from(
      { length: 50 },
      (_, n) => `v${String.fromCharCode(97 + (n % 25))}${n < 25 ? 'x' : 'y'}`,
    );
    const familyName = words.slice(0, 25).join(' ');
    const givenName = words.slice(25).join(' ');
    await addPatient(t, { familyName, givenName });
    for (const search of ['vyy vax', 'vax vyx', 'vcy vdx vbx']) {
      expect(await names({ search })).toEqual([`${givenName} ${familyName}`]);
    }
  });

  test('patients from before pairs of words were indexed get the same ones', async () => {
    const migration = fileURLToPath(new URL('../migrations/0005_patient_pairs.sql', import.meta.url));
    const rows = async () => (await t.db.query('select * from patient_prefixes order by 1, 2, 3')).rows;
    const before = await rows();
    const { rowCount } = await t.db.query(`delete from patient_prefixes where prefix like '% %'`);
    expect(rowCount).toBeGreaterThan(10);
    await t.db.query(await readFile(migration, 'utf8'));
    expect(await rows()).toEqual(before);
  });

  test('a patient is found by the new name and not by the old one', async () => {
    const id = await addPatient(t, { familyName: 'Beforename' });
    await t.api.patch(`/patients/${id}`).send({ familyName: 'Aftername' }).expect(200);
    expect(await names({ search: 'beforename' })).toEqual([]);
    expect(await names({ search: 'aftername' })).toEqual(['Pat Aftername']);
    await t.api.patch(`/patients/${id}`).send({ givenName: null }).expect(200);
    expect(await names({ search: 'aftername' })).toEqual(['Aftername']);
    expect(await names({ search: 'aftername pat' })).toEqual([]);
  });

  test.each([
    ['search=', 'search'],
    ['search=%20', 'search'],
    ['search=%00', 'search'],
    ['search=-', 'search'],
    ['search=a&search=b', 'search'],
    [`search=${'x'.repeat(301)}`, 'search'],
    ['search=a+b+c+d+e+f+g+h+i+j+k', 'search'],
  ])('422 for %s', async (query, parameters) => {
    expect(problemOf(await t.api.get(`/patients?${query}`))).toBe(`422 invalid-request ${parameters}`);
  });
});

describe('what is stored is found', () => {
  const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });
  const letters = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...'aAbeßøØæÆłŁéİıñüœđþ') },
    { weight: 2, arbitrary: fc.constantFrom(...'ΣςΆёЙกิ김王किदءَא') },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }) },
  );
  const word = fc.array(letters, { minLength: 1, maxLength: 8 }).map((all) => all.join(''));
  const name = fc
    .array(fc.tuple(word, fc.constantFrom(' ', '-', "'", '’', '  ', ', ')), { minLength: 1, maxLength: 3 })
    .map((words) => words.flat().slice(0, -1).join(''))
    .filter(
      (text) => text.trim() !== '' && text.length <= 100 && text.isWellFormed() && !text.includes('\0'),
    );

  test('by any beginning of any of its words, in any order of the list', async () => {
    await fc.assert(
      fc.asyncProperty(
        name,
        name,
        fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
        fc.constantFrom('familyName', '-familyName', 'createdAt', '-birthDate'),
        async (familyName, givenName, picks, sort) => {
          const id = await addPatient(t, { familyName, givenName });
          const words = `${familyName} ${givenName}`
            .normalize('NFKC')
            .split(/[^\p{L}\p{N}\p{M}]+/u)
            .filter(Boolean);
          const prefixes = picks.map((pick) => {
            const parts = [...graphemes.segment(words[pick % words.length] ?? '')];
            return parts
              .slice(0, 1 + (pick % Math.max(parts.length, 1)))
              .map(({ segment }) => segment)
              .join('');
          });
          const search = prefixes.join(' ').trim();
          // An accent alone is no word.
          if (!searchedWords.safeParse(search).success) return;
          const { items } = await list({ search, sort, limit: '200' });
          expect(items.map((item: Query) => item.id)).toContain(id);
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);
});

describe('with more patients of one prefix than are looked up one by one', () => {
  const COUNT = 5_500;
  beforeAll(async () => {
    const { rows } = await t.db.query(
      `insert into patients (id, family_name, given_name, name_key, birth_date, phone_digits)
       select gen_random_uuid(), 'Qmany', to_char(n, 'FM0000'), E' qmany\\t ' || to_char(n, 'FM0000'), '1950', n::text
         from generate_series(1, $1) as n
       returning id`,
      [COUNT],
    );
    await t.db.query(INSERT_PREFIXES.text, [rows.map(({ id }) => id)]);
    await t.db.query('analyze');
  });

  test.each(['familyName', '-familyName', 'birthDate', '-birthDate', 'updatedAt'])(
    'every way to read them gives the same ones, sorted by %s',
    async (sort) => {
      const page = await list({ search: 'qmany', sort, limit: '200' });
      expect(page.items).toHaveLength(200);
      expect(new Set(page.items.map(({ familyName }: Query) => familyName))).toEqual(new Set(['Qmany']));
      const next = await list({ search: 'qmany', sort, limit: '200', cursor: page.nextCursor });
      expect(next.items).toHaveLength(200);
      expect(next.items[0].id).not.toBe(page.items[199].id);
    },
  );

  test('a second word, or another filter, finds the one of many', async () => {
    expect(await names({ search: '4321 qmany' })).toEqual(['4321 Qmany']);
    expect(await names({ search: 'qmany 4321', sort: '-createdAt' })).toEqual(['4321 Qmany']);
    expect(await names({ search: 'qm', phone: '4321' })).toEqual(['4321 Qmany']);
    expect(await names({ search: 'qm', phone: '4321', sort: 'birthDate' })).toEqual(['4321 Qmany']);
  });
});
