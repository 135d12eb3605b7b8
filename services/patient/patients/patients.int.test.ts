import { problemOf } from '../../testing/calendar.ts';
import { addPatient, aPatient } from '../../testing/people.ts';
import { startPatient, type TestService } from '../../testing/services.ts';

const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';

let t: TestService;
beforeAll(async () => {
  t = await startPatient();
});
afterAll(() => t.stop());

describe('GET /patients/{id}', () => {
  test('304 when the version is known, 200 when another is', async () => {
    const id = await addPatient(t);
    const answer = await t.api.get(`/patients/${id}`).set('If-None-Match', 'W/"7", "1"').expect(304);
    expect([answer.text, answer.headers.etag]).toEqual(['', '"1"']);
    await t.api.get(`/patients/${id}`).set('If-None-Match', '*').expect(304);
    await t.api.get(`/patients/${id}`).set('If-None-Match', '"2"').expect(200);
  });

  test('200 for HEAD without a body, and for an id in capitals', async () => {
    const id = await addPatient(t);
    const answer = await t.api.head(`/patients/${id}`).expect(200);
    expect([answer.text, answer.headers.etag]).toEqual([undefined, '"1"']);
    await t.api.get(`/patients/${id.toUpperCase()}`).expect(200);
  });

  test.each([UNKNOWN, '1', 'null', '%00', '%ff', `${UNKNOWN}x`, '00000000-0000-0000-0000-000000000000'])(
    '404 for %s',
    async (id) => {
      expect(problemOf(await t.api.get(`/patients/${id}`))).toBe('404 not-found');
    },
  );

  test('422 for a parameter', async () => {
    const id = await addPatient(t);
    expect(problemOf(await t.api.get(`/patients/${id}?fields=id&fields=x&a=`))).toBe(
      '422 invalid-request fields, a',
    );
  });
});

describe('other methods and paths', () => {
  test('405 with Allow, 204 for OPTIONS with the same', async () => {
    const id = await addPatient(t);
    const allowed = {
      '/patients': 'POST, GET, HEAD, OPTIONS',
      [`/patients/${id}`]: 'GET, PUT, PATCH, DELETE, HEAD, OPTIONS',
      [`/patients/${id}/restore`]: 'POST, OPTIONS',
      [`/patients/${id}/versions`]: 'GET, HEAD, OPTIONS',
      [`/patients/${id}/versions/1`]: 'GET, HEAD, OPTIONS',
    };
    for (const [path, allow] of Object.entries(allowed)) {
      const options = await t.api.options(path).expect(204);
      expect(options.headers.allow).toBe(allow);
      const answer = await t.api.trace(path);
      expect([problemOf(answer), answer.headers.allow]).toEqual(['405 method-not-allowed', allow]);
    }
    expect(problemOf(await t.api.delete('/patients'))).toBe('405 method-not-allowed');
    await t.api.head(`/patients/${id}/restore`).expect(405);
  });

  test('404 for paths that are not there', async () => {
    for (const path of ['/patient', '/Patients', `/patients/${UNKNOWN}/nothing`])
      expect(problemOf(await t.api.get(path))).toBe('404 not-found');
  });
});

test('no patient data is logged', async () => {
  await t.api
    .post('/patients')
    .send(aPatient({ familyName: 'Secretive', phone: '+49 555 0001', birthDate: '1931-07-19' }));
  await t.api.get('/patients?search=secretive&email=secret@example.org');
  await t.api.post('/patients').send(aPatient({ familyName: 'Secretive\0' }));
  expect(t.logged()).not.toMatch(/secret|555 0001|1931-07/i);
});
