import { definedStatements } from '../../shared/db/statement.ts';
import { problemOf } from '../../testing/calendar.ts';
import { seedPatients } from '../../testing/clinic.ts';
import { allPages } from '../../testing/pages.ts';
import { addPatient } from '../../testing/people.ts';
import { startPatient, type TestService } from '../../testing/services.ts';
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
    // More than a page of 50, all alike.
    await seedPatients(t, 60);
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

test('every statement of a list fits the schema', async () => {
  for (const { defineAll } of [patientList, deletedList, prefixList, versionList]) defineAll();
  const statements = definedStatements().filter(({ name }) => /^(patients|patient_versions)\./.test(name));
  expect(statements.length).toBeGreaterThan(300);
  for (const { text } of statements) {
    await t.db.query(`prepare checked as ${text}`);
    await t.db.query('deallocate checked');
  }
});
