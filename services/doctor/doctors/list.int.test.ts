import { addDoctor, doctorNames, problemOf } from '../../testing/calendar.ts';
import { allPages } from '../../testing/pages.ts';
import { startDoctor, type TestService } from '../../testing/services.ts';

let t: TestService;
beforeAll(async () => {
  t = await startDoctor();
});
afterAll(() => t.stop());

describe('GET /doctors', () => {
  beforeAll(async () => {
    await addDoctor(t, {
      givenName: 'Zoë',
      familyName: 'Müller-Łukasz',
      specialties: ['Pädiatrie'],
      languages: ['pt-BR', 'de'],
    });
    await addDoctor(t, {
      givenName: 'Søren',
      familyName: 'Groß',
      specialties: ['Pädiatrie', 'Chirurgie'],
      languages: ['pt', 'da'],
    });
    await addDoctor(t, {
      givenName: 'Aoife',
      familyName: 'O’Connor',
      specialties: ['Surgery of the hand'],
      languages: ['en-IE', 'ptx'],
    });
    await addDoctor(t, { givenName: '美咲', familyName: '田中', specialties: ['小児科'], languages: ['ja'] });
    // Several of one name, so that pages end between them.
    for (let count = 0; count < 10; count++) await addDoctor(t);
  });

  test.each([
    ['mull', ['Zoë Müller-Łukasz']],
    ['LUKASZ zoe', ['Zoë Müller-Łukasz']],
    ['mullerlukasz', ['Zoë Müller-Łukasz']],
    ['gross', ['Søren Groß']],
    ['SOREN GROß', ['Søren Groß']],
    ["o'connor", ['Aoife O’Connor']],
    ['oconnor ao', ['Aoife O’Connor']],
    ['connor aoife zoe', []],
    ['ife', []],
    ['田', ['美咲 田中']],
    ['%', []],
    ['zoe zo z', ['Zoë Müller-Łukasz']],
  ])('search=%s finds words by prefix, in any order, blind to case and accents', async (search, expected) => {
    expect(await doctorNames(t, `search=${encodeURIComponent(search)}`)).toEqual(expected);
  });

  test.each([
    ['specialty=PADIATRIE', ['Søren Groß', 'Zoë Müller-Łukasz']],
    ['specialty=P%C3%A4diatri', []],
    ['specialty=chirurgie', ['Søren Groß']],
    ['language=pt', ['Søren Groß', 'Zoë Müller-Łukasz']],
    ['language=PT-br', ['Zoë Müller-Łukasz']],
    ['language=pt-PT', []],
    ['language=da&specialty=p%C3%A4diatrie&search=gr', ['Søren Groß']],
    ['language=ja&specialty=p%C3%A4diatrie', []],
  ])('%s', async (query, expected) => {
    expect(await doctorNames(t, query)).toEqual(expected);
  });

  test('updatedSince gives those changed at or after it', async () => {
    const id = await addDoctor(t, { familyName: 'Sincere' });
    await t.db.query("update doctors set updated_at = '2031-05-06T07:08:09.123Z' where id = $1", [id]);
    expect(await doctorNames(t, 'updatedSince=2031-05-06T09:08:09.123%2B02:00')).toEqual(['Ada Sincere']);
    expect(await doctorNames(t, 'updatedSince=2031-05-06T07:08:09.124Z')).toEqual([]);
  });

  test('pages by a cursor are the whole list, in order, whatever their size', async () => {
    const { body: whole } = await t.api.get('/doctors?limit=200');
    expect(whole.items.length).toBeGreaterThan(7);
    for (const limit of [1, 3, 7]) expect(await allPages(t, '/doctors', limit)).toEqual(whole.items);
  });

  test.each([
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['cursor=x', 'cursor'],
    [
      `cursor=${Buffer.from('["other","a","01890a5d-ac96-774b-bcce-b302099a8057"]').toString('base64url')}`,
      'cursor',
    ],
    ['search=', 'search'],
    ['search=a&search=b', 'search'],
    ['search=%00', 'search'],
    ['specialty=a&specialty=b', 'specialty'],
    ['language=de_DE', 'language'],
    ['updatedSince=2026-01-01', 'updatedSince'],
    ['updatedSince=2026-01-01T00:00:00', 'updatedSince'],
    ['updatedSince=2026-02-30T00:00:00Z', 'updatedSince'],
    ['offset=3&sort=name', 'offset, sort'],
  ])('422 for %s', async (query, parameters) => {
    expect(problemOf(await t.api.get(`/doctors?${query}`))).toBe(`422 invalid-request ${parameters}`);
  });
});
