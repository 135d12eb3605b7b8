import { aDoctor, addDoctor, doctorNames, problemOf, whileLocked } from '../../testing/calendar.ts';
import { startDoctor, type TestService } from '../../testing/services.ts';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';

let t: TestService;
beforeAll(async () => {
  t = await startDoctor();
});
afterAll(() => t.stop());

const full = {
  givenName: 'Ada',
  familyName: 'Núñez-O’Brien',
  specialties: ['Cardiology', 'Internal medicine'],
  licenseNumber: 'FULL-1',
  email: 'ada@example.org',
  phone: '+34 91 123 45 67',
  languages: ['es', 'pt-BR'],
  timeZone: 'Europe/Madrid',
};

describe('POST /doctors', () => {
  test('201 with the whole doctor, Location and ETag', async () => {
    const { body, headers } = await t.api.post('/doctors').send(full).expect(201);
    const { id, createdAt } = body;
    expect(body).toEqual({ ...full, id, version: 1, createdAt, updatedAt: createdAt });
    expect(createdAt).toMatch(INSTANT);
    expect(headers).toMatchObject({ location: `/doctors/${id}`, etag: '"1"' });
    const read = await t.api.get(headers.location ?? '').expect(200);
    expect(read.body).toEqual(body);
    expect(read.headers.etag).toBe('"1"');
  });

  test('201 without members that have no value', async () => {
    const { body } = await t.api
      .post('/doctors')
      .send(aDoctor({ languages: [] }))
      .expect(201);
    expect(Object.keys(body)).toEqual([
      'id',
      'givenName',
      'familyName',
      'specialties',
      'timeZone',
      'version',
      'createdAt',
      'updatedAt',
    ]);
  });

  test('the same answer again for the same Idempotency-Key, and one doctor', async () => {
    const send = (body: object) => t.api.post('/doctors').set('Idempotency-Key', 'add-ada').send(body);
    const body = aDoctor({ familyName: 'Oncely' });
    const first = await send(body).expect(201);
    const again = await send(body).expect(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers).toMatchObject({ location: first.headers.location, etag: '"1"' });
    expect(await doctorNames(t, 'search=oncely')).toHaveLength(1);
    expect(problemOf(await send({ ...body, givenName: 'Eve' }))).toBe('422 idempotency-key-reused');
  });

  test('409 duplicate-doctor for a licence number that is taken, and the key keeps that answer', async () => {
    await addDoctor(t, { licenseNumber: 'TAKEN' });
    const send = () =>
      t.api
        .post('/doctors')
        .set('Idempotency-Key', 'taken')
        .send(aDoctor({ licenseNumber: ' TAKEN ' }));
    const first = await send();
    expect(problemOf(first)).toBe('409 duplicate-doctor');
    expect(first.text).not.toContain('TAKEN');
    expect((await send()).text).toBe(first.text);
  });

  test('409 duplicate-doctor for the licence number of a deleted doctor', async () => {
    const id = await addDoctor(t, { licenseNumber: 'GONE' });
    await t.api.delete(`/doctors/${id}`).expect(204);
    expect(problemOf(await t.api.post('/doctors').send(aDoctor({ licenseNumber: 'GONE' })))).toBe(
      '409 duplicate-doctor',
    );
  });

  test('422 with every invalid member', async () => {
    const answer = await t.api
      .post('/doctors')
      .send({ familyName: 1, specialties: [], timeZone: 'Mars', plan: 'B' });
    expect(problemOf(answer)).toBe(
      '422 invalid-request #/givenName, #/familyName, #/specialties, #/timeZone, #/plan',
    );
  });

  // Squared words: folding makes each of them up to six characters, of three bytes.
  test('201 for names that grow sixfold when they are folded', async () => {
    const squared = String.fromCodePoint(...Array.from({ length: 88 }, (_, index) => 0x3300 + index));
    const { body } = await t.api
      .post('/doctors')
      .send(aDoctor({ givenName: squared, familyName: squared, specialties: [squared] }))
      .expect(201);
    expect(body.givenName).toBe(squared);
    expect((await t.api.get('/doctors').query({ search: squared })).body.items).toHaveLength(1);
    expect((await t.api.get('/doctors').query({ specialty: squared })).body.items).toHaveLength(1);
  });
});

describe('GET /doctors/{id}', () => {
  test('304 when the version is known', async () => {
    const id = await addDoctor(t);
    const answer = await t.api.get(`/doctors/${id}`).set('If-None-Match', '"1"').expect(304);
    expect(answer.text).toBe('');
    await t.api.get(`/doctors/${id}`).set('If-None-Match', '"2"').expect(200);
    await t.api.head(`/doctors/${id}`).expect(200);
  });

  test.each(['no-uuid', UNKNOWN])('404 for %s', async (id) => {
    for (const answer of [
      await t.api.get(`/doctors/${id}`),
      await t.api.put(`/doctors/${id}`).send(aDoctor()),
      await t.api.patch(`/doctors/${id}`).send({}),
      await t.api.delete(`/doctors/${id}`),
      await t.api.post(`/doctors/${id}/restore`),
    ])
      expect(problemOf(answer)).toBe('404 not-found');
  });
});

describe('PUT /doctors/{id}', () => {
  test('200 replaces the whole doctor', async () => {
    const { body: before } = await t.api
      .post('/doctors')
      .send({
        ...full,
        familyName: 'Former',
        specialties: ['Formerly'],
        languages: ['cy-GB'],
        licenseNumber: 'PUT-1',
      })
      .expect(201);
    const { body, headers } = await t.api
      .put(`/doctors/${before.id}`)
      .send(aDoctor({ familyName: 'Replaced' }))
      .expect(200);
    expect(body).toEqual({
      ...aDoctor({ familyName: 'Replaced' }),
      id: before.id,
      version: 2,
      createdAt: before.createdAt,
      updatedAt: body.updatedAt,
    });
    expect(body.updatedAt > before.updatedAt).toBe(true);
    expect(headers.etag).toBe('"2"');
    for (const query of ['search=former', 'specialty=formerly', 'language=cy'])
      expect(await doctorNames(t, query)).toEqual([]);
    expect(await doctorNames(t, 'search=replaced')).toEqual(['Ada Replaced']);
  });

  test('200 for what was read and edited', async () => {
    const id = await addDoctor(t);
    const { body: read } = await t.api.get(`/doctors/${id}`);
    const { body } = await t.api
      .put(`/doctors/${id}`)
      .send({ ...read, givenName: 'Edited' })
      .expect(200);
    expect(body).toMatchObject({ givenName: 'Edited', version: 2, createdAt: read.createdAt });
  });

  test('412 for a stale If-Match or a stale version, and nothing changes', async () => {
    const id = await addDoctor(t);
    await t.api.put(`/doctors/${id}`).set('If-Match', '"1"').send(aDoctor()).expect(200);
    const stale = await t.api
      .put(`/doctors/${id}`)
      .set('If-Match', '"1"')
      .send(aDoctor({ phone: '1' }));
    expect(problemOf(stale)).toBe('412 version-mismatch');
    expect(stale.headers.etag).toBe('"2"');
    expect(problemOf(await t.api.put(`/doctors/${id}`).send({ ...aDoctor(), version: 1 }))).toBe(
      '412 version-mismatch',
    );
    expect(problemOf(await t.api.patch(`/doctors/${id}`).set('If-Match', '"1"').send({}))).toBe(
      '412 version-mismatch',
    );
    expect(problemOf(await t.api.delete(`/doctors/${id}`).set('If-Match', '"1"'))).toBe(
      '412 version-mismatch',
    );
    expect((await t.api.get(`/doctors/${id}`)).body).toMatchObject({ version: 2 });
  });

  test('422 for another id or moment of creation', async () => {
    const id = await addDoctor(t);
    const answer = await t.api
      .put(`/doctors/${id}`)
      .send({ ...aDoctor(), id: UNKNOWN, createdAt: '2020-01-01T00:00:00.000Z' });
    expect(problemOf(answer)).toBe('422 invalid-request #/id, #/createdAt');
    expect(problemOf(await t.api.put(`/doctors/${id}`).send({ ...aDoctor(), version: '1' }))).toBe(
      '422 invalid-request #/version',
    );
  });

  test('409 duplicate-doctor for the licence number of another, none for its own', async () => {
    await addDoctor(t, { licenseNumber: 'PUT-OTHER' });
    const id = await addDoctor(t, { licenseNumber: 'PUT-OWN' });
    await t.api
      .put(`/doctors/${id}`)
      .send(aDoctor({ licenseNumber: 'PUT-OWN' }))
      .expect(200);
    const answer = await t.api.put(`/doctors/${id}`).send(aDoctor({ licenseNumber: 'PUT-OTHER' }));
    expect(problemOf(answer)).toBe('409 duplicate-doctor');
  });

  test('200 once and 412 for the rest when several change the version that all have read', async () => {
    const id = await addDoctor(t);
    const put = (phone: string) =>
      t.api.put(`/doctors/${id}`).set('If-Match', '"1"').send(aDoctor({ phone }));
    const answers = await whileLocked(
      t,
      `select from doctors where id = '${id}' for update`,
      ['1', '2', '3'].map((phone) => () => put(phone)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
  });
});

describe('PATCH /doctors/{id}', () => {
  test.each(['application/merge-patch+json', 'application/json'])(
    '200 as %s: null removes, the rest stays',
    async (type) => {
      const { body: before } = await t.api
        .post('/doctors')
        .send({ ...full, licenseNumber: type })
        .expect(201);
      const { body } = await t.api
        .patch(`/doctors/${before.id}`)
        .set('Content-Type', type)
        .send(JSON.stringify({ phone: null, languages: ['de'], email: 'new@example.org' }))
        .expect(200);
      const { phone: _removed, ...rest } = before;
      expect(body).toEqual({
        ...rest,
        languages: ['de'],
        email: 'new@example.org',
        version: 2,
        updatedAt: body.updatedAt,
      });
    },
  );

  test('422 for what would not be a doctor', async () => {
    const id = await addDoctor(t);
    const patch = async (body: unknown) =>
      problemOf(
        await t.api
          .patch(`/doctors/${id}`)
          .set('Content-Type', 'application/json')
          .send(JSON.stringify(body)),
      );
    expect(await patch({ familyName: null, specialties: [], plan: null, extra: 1 })).toBe(
      '422 invalid-request #/plan, #/extra, #/familyName, #/specialties',
    );
    expect(await patch([])).toBe('422 invalid-request #');
    expect(await patch('text')).toBe('422 invalid-request #');
    expect(await patch({ id: UNKNOWN })).toBe('422 invalid-request #/id');
  });

  test('415 for another media type, 400 for no JSON, 422 for no body', async () => {
    const id = await addDoctor(t);
    const patch = (type: string) => t.api.patch(`/doctors/${id}`).set('Content-Type', type);
    expect(problemOf(await patch('text/plain').send('x'))).toBe('415 unsupported-media-type');
    expect(problemOf(await patch('application/json').send('{'))).toBe('400 invalid-json');
    expect(problemOf(await patch('application/json').send())).toBe('422 invalid-request #');
  });
});

describe('other methods', () => {
  test('405 with Allow, 204 for OPTIONS', async () => {
    const id = await addDoctor(t);
    const answer = await t.api.delete('/doctors');
    expect(problemOf(answer)).toBe('405 method-not-allowed');
    expect(answer.headers.allow).toBe('POST, GET, HEAD, OPTIONS');
    const options = await t.api.options(`/doctors/${id}`).expect(204);
    expect(options.headers.allow).toBe('GET, PUT, PATCH, DELETE, HEAD, OPTIONS');
    expect((await t.api.get(`/doctors/${id}/restore`)).headers.allow).toBe('POST, OPTIONS');
  });
});
