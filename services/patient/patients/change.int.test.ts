import { problemOf } from '../../testing/calendar.ts';
import { addPatient, aFullPatient, aPatient } from '../../testing/people.ts';
import { startPatient, type TestService } from '../../testing/services.ts';

const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';

let t: TestService;
beforeAll(async () => {
  t = await startPatient();
});
afterAll(() => t.stop());

describe('PUT /patients/{id}', () => {
  test('200 replaces all; what is left out is gone', async () => {
    const id = await addPatient(t, aFullPatient('put-1'));
    const { body, headers } = await t.api.put(`/patients/${id}`).send(aPatient()).expect(200);
    const { createdAt, updatedAt } = body;
    expect(body).toEqual({ ...aPatient(), id, version: 2, createdAt, updatedAt });
    expect(Date.parse(updatedAt)).toBeGreaterThanOrEqual(Date.parse(createdAt));
    expect(headers.etag).toBe('"2"');
    await addPatient(t, aFullPatient('put-1'));
  });

  test('200 for what was read, edited and sent back with its server-made members', async () => {
    const id = await addPatient(t, aFullPatient('put-2'));
    const { body: read } = await t.api.get(`/patients/${id}`);
    const { body } = await t.api
      .put(`/patients/${id}`)
      .send({ ...read, givenName: 'Zora' })
      .expect(200);
    expect(body).toEqual({ ...read, givenName: 'Zora', version: 2, updatedAt: body.updatedAt });
  });

  test('412 version-mismatch for a stale version in the body, and nothing changes', async () => {
    const id = await addPatient(t);
    const { body: read } = await t.api.get(`/patients/${id}`);
    await t.api.patch(`/patients/${id}`).send({ gender: 'other' }).expect(200);
    expect(problemOf(await t.api.put(`/patients/${id}`).send(read))).toBe('412 version-mismatch');
    expect((await t.api.get(`/patients/${id}`)).body.version).toBe(2);
  });

  test('422 for any other server-made member that differs, also before it is checked as a whole', async () => {
    const id = await addPatient(t);
    const { body: read } = await t.api.get(`/patients/${id}`);
    const answer = await t.api
      .put(`/patients/${id}`)
      .send({ ...read, id: UNKNOWN, createdAt: 'x', updatedAt: null, deletedAt: read.createdAt });
    expect(problemOf(answer)).toBe('422 invalid-request #/id, #/createdAt, #/updatedAt, #/deletedAt');
    expect(problemOf(await t.api.put(`/patients/${id}`).send({ ...read, version: '1' }))).toBe(
      '422 invalid-request #/version',
    );
  });

  test('412 version-mismatch for a stale If-Match; the present one, a list and * pass', async () => {
    const id = await addPatient(t);
    const put = (ifMatch: string) => t.api.put(`/patients/${id}`).set('If-Match', ifMatch).send(aPatient());
    await put('"1"').expect(200);
    const stale = await put('"1"');
    expect(problemOf(stale)).toBe('412 version-mismatch');
    expect(stale.headers.etag).toBe('"2"');
    expect(problemOf(await put('W/"2"'))).toBe('412 version-mismatch');
    await put('"1", "2"').expect(200);
    await put('*').expect(200);
  });

  test('200 keeps an identifier and takes one that the patient had before', async () => {
    const identifier = (value: string) => ({ system: 'urn:moved', value });
    const id = await addPatient(t, { identifiers: [identifier('1'), identifier('2')] });
    const put = (...values: string[]) =>
      t.api.put(`/patients/${id}`).send(aPatient({ identifiers: values.map(identifier) }));
    expect((await put('2', '3', '1').expect(200)).body.identifiers).toEqual(['2', '3', '1'].map(identifier));
    await put('3').expect(200);
    await addPatient(t, { identifiers: [identifier('1')] });
    expect(problemOf(await put('3', '1'))).toBe('409 duplicate-patient');
  });

  test('404, 415, 422 for an unknown patient, another media type, no body', async () => {
    const id = await addPatient(t);
    expect(problemOf(await t.api.put(`/patients/${UNKNOWN}`).send(aPatient()))).toBe('404 not-found');
    expect(
      problemOf(
        await t.api
          .put(`/patients/${id}`)
          .type('application/merge-patch+json')
          .send(JSON.stringify(aPatient())),
      ),
    ).toBe('415 unsupported-media-type');
    expect(problemOf(await t.api.put(`/patients/${id}`))).toBe('422 invalid-request #');
    expect(problemOf(await t.api.put(`/patients/${id}`).send([]))).toBe('422 invalid-request #');
  });

  test('422 for a birth date after today', async () => {
    const id = await addPatient(t);
    expect(problemOf(await t.api.put(`/patients/${id}`).send(aPatient({ birthDate: '9999-01' })))).toBe(
      '422 invalid-request #/birthDate',
    );
  });
});

describe('PATCH /patients/{id}', () => {
  test('200 changes what is sent, null removes, the rest stays; in objects too', async () => {
    const full = aFullPatient('patch-1');
    const id = await addPatient(t, full);
    const { body, headers } = await t.api
      .patch(`/patients/${id}`)
      .type('application/merge-patch+json')
      .send(
        JSON.stringify({
          gender: null,
          phone: '1',
          address: { city: null, country: 'AT' },
          emergencyContact: null,
        }),
      )
      .expect(200);
    const { gender, emergencyContact, ...rest } = full;
    expect(body).toEqual({
      ...rest,
      phone: '1',
      address: { line: ['Unter den Linden 1', '2. Hof'], postalCode: '10117', country: 'AT' },
      id,
      version: 2,
      createdAt: body.createdAt,
      updatedAt: body.updatedAt,
    });
    expect([gender, emergencyContact]).not.toContain(undefined);
    expect(headers.etag).toBe('"2"');
  });

  test('200 as application/json, and an object without members is left out', async () => {
    const id = await addPatient(t, { address: { city: 'Bern' } });
    const { body } = await t.api
      .patch(`/patients/${id}`)
      .send({ address: { city: null } })
      .expect(200);
    expect(body).not.toHaveProperty('address');
  });

  test.each([
    ['an unknown member', { nick: 'B' }, '#/nick'],
    ['an unknown member to remove', { address: { zip: null }, nick: null }, '#/address/zip, #/nick'],
    ['__proto__', '{"__proto__":{"gender":"male"}}', '#/__proto__'],
    ['removing what is required', { familyName: null, birthDate: null }, '#/familyName, #/birthDate'],
    [
      'several errors at once',
      { familyName: 1, gender: 'x', emergencyContact: { phone: 'x' }, id: 'x' },
      '#/id, #/familyName, #/gender, #/emergencyContact/phone, #/emergencyContact/phone',
    ],
    ['a list', [], '#'],
    ['a birth date after today', { birthDate: '9999' }, '#/birthDate'],
  ])('422 for %s', async (_what, body, pointers) => {
    const id = await addPatient(t);
    const answer = await t.api.patch(`/patients/${id}`).set('Content-Type', 'application/json').send(body);
    expect(problemOf(answer)).toBe(`422 invalid-request ${pointers}`);
    expect((await t.api.get(`/patients/${id}`)).headers.etag).toBe('"1"');
  });

  test('412 for a stale If-Match or version, 404 for an unknown patient, 409 for another’s identifier', async () => {
    const identifiers = [{ system: 'urn:patch', value: '1' }];
    await addPatient(t, { identifiers });
    const id = await addPatient(t);
    const patch = (body: object) => t.api.patch(`/patients/${id}`).send(body);
    expect(problemOf(await patch({ gender: 'male' }).set('If-Match', '"2"'))).toBe('412 version-mismatch');
    expect(problemOf(await patch({ gender: 'male', version: 2 }))).toBe('412 version-mismatch');
    expect(problemOf(await patch({ identifiers }))).toBe('409 duplicate-patient');
    expect(problemOf(await t.api.patch(`/patients/${UNKNOWN}`).send({}))).toBe('404 not-found');
    expect((await t.api.get(`/patients/${id}`)).headers.etag).toBe('"1"');
  });

  test('200 for many at once without If-Match: none loses what another has set', async () => {
    const id = await addPatient(t);
    const changes = [
      { givenName: 'At Once' },
      { gender: 'other' },
      { phone: '123' },
      { email: 'a@example.org' },
      { address: { city: 'Bern' } },
      { address: { country: 'CH' } },
      { identifiers: [{ system: 'urn:many', value: '1' }] },
      { emergencyContact: { name: 'Max' } },
    ];
    await Promise.all(changes.map((change) => t.api.patch(`/patients/${id}`).send(change).expect(200)));
    const { body } = await t.api.get(`/patients/${id}`);
    expect(body).toMatchObject({
      ...Object.assign({}, ...changes),
      address: { city: 'Bern', country: 'CH' },
      version: 9,
    });
    expect((await t.api.get('/patients?search=once+at')).body.items).toHaveLength(1);
  });
});
