import fc from 'fast-check';
import { definedStatements } from '../../shared/db/statement.ts';
import { problemOf } from '../../testing/calendar.ts';
import { addPatient, allPages } from '../../testing/people.ts';
import { startPatient, type TestService } from '../../testing/services.ts';
import { searchedWords } from './patient.ts';
import { deletedList, patientList, prefixList } from './search-store.ts';
import { versionList } from './version-store.ts';

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

describe('GET /patients by other members', () => {
  let system: string;
  beforeAll(async () => {
    system = 'https://example.org/ids';
    const members = [
      { givenName: 'Year', birthDate: '1931' },
      { givenName: 'Month', birthDate: '1931-05', phone: '+49 (30) 555-01', email: 'One@Example.org' },
      {
        givenName: 'Day',
        birthDate: '1931-05-07',
        phone: '+1 555 01',
        identifiers: [{ system, value: 'a|b' }],
      },
      { givenName: 'Later', birthDate: '1931-06-01', email: 'two@example.org' },
      { givenName: 'Other', birthDate: '1932-05-07', phone: '4930 55501' },
    ];
    for (const member of members) await addPatient(t, { familyName: 'Filter', ...member });
  });

  test.each([
    [{ birthDate: '1931' }, 'Day, Later, Month, Year'],
    [{ birthDate: '1931-05' }, 'Day, Month'],
    [{ birthDate: '1931-05-07' }, 'Day'],
    [{ birthDate: '1931-01' }, ''],
    [{ birthDate: '1931', sort: 'birthDate', search: 'filter' }, 'Year, Month, Day, Later'],
    [{ birthDate: '1931-05', search: 'filt mo' }, 'Month'],
    [{ phone: '493055501' }, 'Month, Other'],
    [{ phone: '+49-30 (555) 01', birthDate: '1931' }, 'Month'],
    [{ phone: '55501' }, ''],
    [{ email: 'one@example.ORG' }, 'Month'],
    [{ email: 'one@example.org', search: 'year' }, ''],
    [{ identifier: 'https://example.org/ids|a|b' }, 'Day'],
    [{ identifier: 'https://example.org/ids|a' }, ''],
    [{ identifier: 'https://example.org/ids|a|b', sort: '-updatedAt', search: 'd', deleted: 'false' }, 'Day'],
  ])('%j finds %s', async (query, found) => {
    expect((await names(query)).map((name) => name.replace(' Filter', '')).join(', ')).toBe(found);
  });

  test('updatedSince finds what has changed since, at that instant included', async () => {
    const id = await addPatient(t, { familyName: 'Changing' });
    const { body } = await t.api.patch(`/patients/${id}`).send({ gender: 'male' }).expect(200);
    expect(await names({ updatedSince: body.updatedAt, search: 'changing' })).toEqual(['Pat Changing']);
    const later = new Date(Date.parse(body.updatedAt) + 1_000).toISOString();
    expect(await names({ updatedSince: later })).toEqual([]);
    const elsewhere = body.updatedAt.replace('Z', '+00:00');
    expect(await names({ updatedSince: elsewhere, sort: '-updatedAt' })).toContain('Pat Changing');
  });

  test('deleted=true lists only deleted patients, with every filter; false lists the others', async () => {
    const id = await addPatient(t, { familyName: 'Leaver', birthDate: '1911-11' });
    await addPatient(t, { familyName: 'Leaver', givenName: 'Not', birthDate: '1911-11' });
    await t.api.delete(`/patients/${id}`).expect(204);
    for (const query of [
      { search: 'leav' },
      { birthDate: '1911' },
      { search: 'leaver', sort: '-createdAt' },
    ]) {
      expect(await names(query)).toEqual(['Not Leaver']);
      expect(await names({ ...query, deleted: 'false' })).toEqual(['Not Leaver']);
      expect(await names({ ...query, deleted: 'true' })).toEqual(['Pat Leaver']);
    }
    const { items } = await list({ deleted: 'true', sort: '-updatedAt' });
    expect(items[0]).toMatchObject({ id, version: 2, deletedAt: items[0].updatedAt });
  });
});

describe('GET /patients in order and in pages', () => {
  const sorts = ['familyName', 'birthDate', 'createdAt', 'updatedAt'];

  beforeAll(async () => {
    // The same start of a period, and the same name: ties go by id.
    for (const birthDate of ['1900-01-01', '1900', '1900-01', '1900-02', '1899-12-31'])
      await addPatient(t, { familyName: 'Tie', birthDate });
  });

  test('a partial date sorts as the start of its period, ties by id', async () => {
    const dates = async (sort: string) =>
      (await list({ search: 'tie', sort })).items.map(({ birthDate }: Query) => birthDate);
    expect(await dates('birthDate')).toEqual(['1899-12-31', '1900-01-01', '1900', '1900-01', '1900-02']);
    expect(await dates('-birthDate')).toEqual(['1900-02', '1900-01', '1900', '1900-01-01', '1899-12-31']);
  });

  test('sorted by family name unless asked otherwise', async () => {
    expect((await list({ limit: '200' })).items).toEqual(
      (await list({ limit: '200', sort: 'familyName' })).items,
    );
  });

  test.each(sorts.flatMap((sort) => [sort, `-${sort}`]))(
    'pages sorted by %s have each patient once',
    async (sort) => {
      for (const [query, limit] of [
        ['', 50],
        ['&search=t', 7],
        ['&birthDate=1900', 1],
      ] as const) {
        const whole = await allPages(t, `/patients?sort=${sort}${query}`, 200);
        expect(await allPages(t, `/patients?sort=${sort}${query}`, limit)).toEqual(whole);
        const other = sort.startsWith('-') ? sort.slice(1) : `-${sort}`;
        expect(await allPages(t, `/patients?sort=${other}${query}`, 200)).toEqual([...whole].reverse());
      }
    },
  );

  test('a cursor stays good when the patient that it points at has changed and gone', async () => {
    const first = await list({ search: 'tie', limit: '2' });
    await t.api.patch(`/patients/${first.items[1].id}`).send({ familyName: 'Untied' }).expect(200);
    await t.api.delete(`/patients/${first.items[1].id}`).expect(204);
    expect(await list({ search: 'tie', cursor: first.nextCursor })).toMatchObject({
      items: [{}, {}, {}],
      nextCursor: null,
    });
  });

  const cursorOf = (...content: unknown[]) => Buffer.from(JSON.stringify(content)).toString('base64url');
  const id = '01890a5d-ac96-774b-bcce-b302099a8057';

  test.each([
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=', 'limit'],
    ['limit=1&limit=1', 'limit'],
    ['cursor=', 'cursor'],
    ['cursor=x', 'cursor'],
    [`cursor=${cursorOf('birthDate', '1900', id)}`, 'cursor'],
    [`cursor=${cursorOf('familyName', 'a\0', id)}`, 'cursor'],
    [`cursor=${cursorOf('familyName', 'a', 'x')}`, 'cursor'],
    [`sort=createdAt&cursor=${cursorOf('createdAt', 'yesterday', id)}`, 'cursor'],
    [`sort=createdAt&cursor=${cursorOf('createdAt', '2026-02-31 10:00:00+00', id)}`, 'cursor'],
    ['sort=name', 'sort'],
    ['sort=--familyName', 'sort'],
    ['sort=familyName&sort=birthDate', 'sort'],
    ['deleted=yes', 'deleted'],
    ['deleted=', 'deleted'],
    ['birthDate=31.12.1999', 'birthDate'],
    ['birthDate=1999-02-29', 'birthDate'],
    ['identifier=1', 'identifier'],
    ['identifier=|1', 'identifier'],
    ['identifier=urn:x|', 'identifier'],
    ['identifier=urn:x|%00', 'identifier'],
    ['phone=%2B()', 'phone'],
    ['email=abc', 'email'],
    ['email=a%00@example.org', 'email'],
    ['updatedSince=2026-01-01', 'updatedSince'],
    ['updatedSince=2026-01-01T00:00:00', 'updatedSince'],
    ['updatedSince=2026-02-30T00:00:00Z', 'updatedSince'],
    ['offset=3&name=x&deleted=no', 'deleted, offset, name'],
    ['__proto__=1', '__proto__'],
  ])('422 for %s', async (query, parameters) => {
    expect(problemOf(await t.api.get(`/patients?${query}`))).toBe(`422 invalid-request ${parameters}`);
  });
});

describe('with more patients of one prefix than are looked up one by one', () => {
  const COUNT = 5_500;
  beforeAll(async () => {
    await t.db.query(
      `with made as (
         insert into patients (id, family_name, given_name, name_key, birth_date, phone_digits)
         select gen_random_uuid(), 'Qmany', to_char(n, 'FM0000'), E' qmany\\t ' || to_char(n, 'FM0000'), '1950', n::text
           from generate_series(1, $1) as n
         returning id, given_name, name_key)
       insert into patient_prefixes
       select left(word, letters), name_key, id
         from made, unnest(array['qmany', given_name]) as word, generate_series(1, 3) as letters`,
      [COUNT],
    );
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

test('every statement of a list fits the schema', async () => {
  for (const { defineAll } of [patientList, deletedList, prefixList, versionList]) defineAll();
  const statements = definedStatements().filter(({ name }) => /^(patients|patient_versions)\./.test(name));
  expect(statements.length).toBeGreaterThan(300);
  for (const { text } of statements) {
    await t.db.query(`prepare checked as ${text}`);
    await t.db.query('deallocate checked');
  }
});
