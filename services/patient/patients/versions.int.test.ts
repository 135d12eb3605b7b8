import { problemOf } from '../../testing/calendar.ts';
import { allPages } from '../../testing/pages.ts';
import { addPatient, aFullPatient, aPatient } from '../../testing/people.ts';
import { startPatient, type TestService } from '../../testing/services.ts';
import { patientVersion } from './patient.ts';

const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';

let t: TestService;
beforeAll(async () => {
  t = await startPatient();
});
afterAll(() => t.stop());

interface Version {
  version: number;
  changedAt: string;
  changedBy: string;
  patient: Record<string, unknown>;
}

const versionsOf = async (id: string): Promise<Version[]> =>
  (await t.api.get(`/patients/${id}/versions`).expect(200)).body.items;

describe('GET /patients/{id}/versions', () => {
  test('200 with the present and every former state, newest first, each as it was answered', async () => {
    const first = (await t.api.post('/patients').send(aFullPatient('v-1')).expect(201)).body;
    const path = `/patients/${first.id}`;
    const second = (await t.api.patch(path).send({ identifiers: null, givenName: 'B' }).expect(200)).body;
    const third = (await t.api.put(path).send(aPatient()).expect(200)).body;
    const state = (patient: { version: number; updatedAt: string }) => ({
      version: patient.version,
      changedAt: patient.updatedAt,
      changedBy: 'anonymous',
      patient,
    });
    const { body } = await t.api.get(`${path}/versions`).expect(200);
    expect(body).toEqual({ items: [state(third), state(second), state(first)], nextCursor: null });
    expect(await allPages(t, `${path}/versions`, 1)).toEqual(body.items);
    expect(await allPages(t, `${path}/versions`, 2)).toEqual(body.items);
  });

  test('200 has a deletion and a restoration too', async () => {
    const id = await addPatient(t);
    await t.api.delete(`/patients/${id}`).expect(204);
    await t.api.post(`/patients/${id}/restore`).expect(200);
    const versions = await versionsOf(id);
    for (const version of versions) expect(patientVersion.parse(version)).toEqual(version);
    expect(versions.map(({ version, patient }) => [version, 'deletedAt' in patient])).toEqual([
      [3, false],
      [2, true],
      [1, false],
    ]);
  });

  test('200 has no state of a change that failed', async () => {
    const id = await addPatient(t);
    await addPatient(t, { identifiers: [{ system: 'urn:v', value: '1' }] });
    const change = { identifiers: [{ system: 'urn:v', value: '1' }] };
    expect(problemOf(await t.api.patch(`/patients/${id}`).send(change))).toBe('409 duplicate-patient');
    expect(await versionsOf(id)).toHaveLength(1);
  });

  test('404 for an unknown and a deleted patient', async () => {
    const id = await addPatient(t);
    await t.api.delete(`/patients/${id}`).expect(204);
    for (const path of [
      `/patients/${UNKNOWN}/versions`,
      `/patients/${id}/versions`,
      `/patients/${id}/versions/1`,
    ])
      expect(problemOf(await t.api.get(path))).toBe('404 not-found');
  });

  test.each(['limit=201', 'cursor=x', 'sort=version', 'limit=1&limit=2'])('422 for %s', async (query) => {
    const id = await addPatient(t);
    expect(problemOf(await t.api.get(`/patients/${id}/versions?${query}`))).toBe(
      `422 invalid-request ${query.split('=')[0]}`,
    );
  });

  test('422 for a cursor that is no version number', async () => {
    const id = await addPatient(t);
    for (const version of ['0', '-1', '1.5', '9999999999', '1x', '']) {
      const cursor = Buffer.from(JSON.stringify(['-version', version, id])).toString('base64url');
      expect(problemOf(await t.api.get(`/patients/${id}/versions?cursor=${cursor}`))).toBe(
        '422 invalid-request cursor',
      );
    }
  });
});

describe('GET /patients/{id}/versions/{n}', () => {
  test('200 with one state, its ETag is its number; 304 when that is known', async () => {
    const id = await addPatient(t, { givenName: 'Was' });
    await t.api.patch(`/patients/${id}`).send({ givenName: 'Is' }).expect(200);
    const [second, first] = await versionsOf(id);
    const was = await t.api.get(`/patients/${id}/versions/1`).expect(200);
    expect([was.body, was.headers.etag]).toEqual([first, '"1"']);
    expect((await t.api.get(`/patients/${id}/versions/2`).expect(200)).body).toEqual(second);
    await t.api.get(`/patients/${id}/versions/1`).set('If-None-Match', '"1"').expect(304);
  });

  test.each(['2', '0', '01', '-1', '1.0', 'x', '999999999', '2147483648', '99999999999999999999'])(
    '404 for %s',
    async (version) => {
      const id = await addPatient(t);
      expect(problemOf(await t.api.get(`/patients/${id}/versions/${version}`))).toBe('404 not-found');
    },
  );
});
