import { gzipSync } from 'node:zlib';
import { problemOf } from '../../testing/calendar.ts';
import { allPages } from '../../testing/pages.ts';
import { addPatient, aFullPatient, aPatient } from '../../testing/people.ts';
import { startPatient, type TestService } from '../../testing/services.ts';
import { patientResource } from './patient.ts';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let t: TestService;
beforeAll(async () => {
  t = await startPatient();
});
afterAll(() => t.stop());

const detailsOf = (text: string): string[] =>
  JSON.parse(text).errors.map((error: Record<string, string>) => `${error.pointer} ${error.detail}`);

/** The day that it is in a zone of POSIX's, whose signs are turned round, moved by some days. */
async function dayIn(zone: string, days = 0): Promise<string> {
  const { rows } = await t.db.query(
    `select to_char(now() at time zone $1 + make_interval(days => $2), 'YYYY-MM-DD') as day`,
    [zone, days],
  );
  return rows[0].day;
}

describe('POST /patients', () => {
  test('201 with the whole patient, Location and ETag, which GET repeats byte for byte', async () => {
    const full = aFullPatient('post-1');
    const answer = await t.api.post('/patients').send(full).expect(201);
    const { id, createdAt } = answer.body;
    expect(answer.body).toEqual({ ...full, id, version: 1, createdAt, updatedAt: createdAt });
    expect(patientResource.parse(answer.body)).toEqual(answer.body);
    expect(createdAt).toMatch(INSTANT);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(answer.headers).toMatchObject({ location: `/patients/${id}`, etag: '"1"' });
    const read = await t.api.get(`/patients/${id}`).expect(200);
    expect(read.text).toBe(answer.text);
    expect(read.headers).toMatchObject({ etag: '"1"', 'content-type': 'application/json; charset=utf-8' });
  });

  test('201 without the members that have no value', async () => {
    const { body } = await t.api
      .post('/patients')
      .send({
        familyName: ' Mononym ',
        birthDate: '1980',
        address: { line: [] },
        identifiers: [],
        emergencyContact: {},
      })
      .expect(201);
    expect(Object.keys(body)).toEqual(['id', 'familyName', 'birthDate', 'version', 'createdAt', 'updatedAt']);
    expect(body.familyName).toBe('Mononym');
  });

  test('201 for a birth today where the day begins first, 422 for tomorrow there', async () => {
    const today = await dayIn('Etc/GMT-14');
    await t.api
      .post('/patients')
      .send(aPatient({ birthDate: today }))
      .expect(201);
    await t.api
      .post('/patients')
      .send(aPatient({ birthDate: today.slice(0, 7) }))
      .expect(201);
    await t.api
      .post('/patients')
      .send(aPatient({ birthDate: today.slice(0, 4) }))
      .expect(201);
    const tomorrow = await t.api
      .post('/patients')
      .send(aPatient({ birthDate: await dayIn('Etc/GMT-14', 1) }));
    expect(problemOf(tomorrow)).toBe('422 invalid-request #/birthDate');
    expect(detailsOf(tomorrow.text)).toEqual(['#/birthDate must not be after today']);
    expect(problemOf(await t.api.post('/patients').send(aPatient({ birthDate: '9999' })))).toBe(
      '422 invalid-request #/birthDate',
    );
  });

  test('409 duplicate-patient for an identifier of another patient, and nothing is stored', async () => {
    await addPatient(t, { identifiers: [{ system: 'urn:dup', value: '1' }] });
    const answer = await t.api.post('/patients').send(
      aPatient({
        familyName: 'Neverstored',
        identifiers: [
          { system: 'urn:dup', value: '2' },
          { system: 'urn:dup', value: '1' },
        ],
      }),
    );
    expect(problemOf(answer)).toBe('409 duplicate-patient');
    expect(answer.text).not.toContain('urn:dup');
    expect((await t.api.get('/patients?search=neverstored')).body.items).toEqual([]);
    await addPatient(t, { identifiers: [{ system: 'urn:dup', value: '2' }] });
  });

  test('409 duplicate-patient for an identifier of a deleted patient', async () => {
    const identifiers = [{ system: 'urn:gone', value: '1' }];
    const id = await addPatient(t, { identifiers });
    await t.api.delete(`/patients/${id}`).expect(204);
    expect(problemOf(await t.api.post('/patients').send(aPatient({ identifiers })))).toBe(
      '409 duplicate-patient',
    );
  });

  test('201 for one of two patients who want each other’s identifiers at once, 409 for the other', async () => {
    for (let round = 0; round < 10; round++) {
      const identifiers = [1, 2, 3].map((n) => ({ system: 'urn:race', value: `${round}-${n}` }));
      const statuses = await Promise.all(
        [identifiers, [...identifiers].reverse()].map(async (wanted) => {
          const { status } = await t.api.post('/patients').send(aPatient({ identifiers: wanted }));
          return status;
        }),
      );
      expect(statuses.sort()).toEqual([201, 409]);
    }
  });

  test('422 with every invalid member by its pointer', async () => {
    const answer = await t.api.post('/patients').send({
      givenName: '',
      birthDate: '1980-02-30',
      phone: 'x1',
      identifiers: [{ system: 'a' }],
      nick: 'B',
    });
    expect(problemOf(answer)).toBe(
      '422 invalid-request #/familyName, #/givenName, #/birthDate, #/phone, #/identifiers/0/value, #/nick',
    );
  });

  test.each([
    [
      'a __proto__ member',
      '{"familyName":"A","birthDate":"1980","__proto__":{"gender":"male"}}',
      '#/__proto__',
    ],
    ['a constructor member', '{"familyName":"A","birthDate":"1980","constructor":1}', '#/constructor'],
    ['NUL', '{"familyName":"A\\u0000","birthDate":"1980"}', '#/familyName'],
    ['half a surrogate pair', '{"familyName":"\\ud800","birthDate":"1980"}', '#/familyName'],
    [
      'NUL in an address',
      '{"familyName":"A","birthDate":"1980","address":{"line":["\\u0000"]}}',
      '#/address/line/0',
    ],
    ['33 levels', `{"familyName":"A","birthDate":"1980","address":${'['.repeat(32)}${']'.repeat(32)}}`, '#'],
    ['a list', '[]', '#'],
    ['null', 'null', '#'],
  ])('422 for %s', async (_what, json, pointers) => {
    const answer = await t.api.post('/patients').set('Content-Type', 'application/json').send(json);
    expect(problemOf(answer)).toBe(`422 invalid-request ${pointers}`);
  });

  test('422 for no body, and for a parameter', async () => {
    expect(problemOf(await t.api.post('/patients'))).toBe('422 invalid-request #');
    expect(problemOf(await t.api.post('/patients?dry=1').send(aPatient()))).toBe('422 invalid-request dry');
  });

  test('400 invalid-json, 413 too-large also unpacked, 415 unsupported-media-type', async () => {
    const send = (body: string, type = 'application/json') =>
      t.api.post('/patients').set('Content-Type', type).send(body);
    expect(problemOf(await send('{"familyName":'))).toBe('400 invalid-json');
    expect(problemOf(await send(`{"familyName":"${'x'.repeat(110_000)}"}`))).toBe('413 too-large');
    const packed = gzipSync(`{"familyName":"${'x'.repeat(110_000)}"}`);
    const unpacked = await t.api
      .post('/patients')
      .set({ 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' })
      .send(packed)
      .serialize((body: unknown) => body as string);
    expect(problemOf(unpacked)).toBe('413 too-large');
    expect(problemOf(await send('familyName=A', 'application/x-www-form-urlencoded'))).toBe(
      '415 unsupported-media-type',
    );
    expect(problemOf(await send('{}', 'application/merge-patch+json'))).toBe('415 unsupported-media-type');
  });

  // Each character is folded to eighteen.
  test('201 for names whose folded form would be too long for an index', async () => {
    const name = '\ufdfa'.repeat(100);
    const id = await addPatient(t, { familyName: name, givenName: name });
    await addPatient(t, { familyName: '\u{20000}'.repeat(50), givenName: '\u{20001}'.repeat(50) });
    expect((await allPages(t, '/patients', 1)).map((patient) => patient.id)).toContain(id);
  });
});

describe('POST /patients with an Idempotency-Key', () => {
  const send = (key: string, body: object) => t.api.post('/patients').set('Idempotency-Key', key).send(body);

  test('201 again with the same body, Location and ETag, also after the patient has changed', async () => {
    const body = aPatient({ familyName: 'Onlyonce' });
    const first = await send('once', body).expect(201);
    await t.api.patch(`/patients/${first.body.id}`).send({ givenName: 'Changed' }).expect(200);
    const again = await send('once', { birthDate: body.birthDate, ...body }).expect(201);
    expect(again.text).toBe(first.text);
    expect(again.headers).toMatchObject({ location: first.headers.location, etag: '"1"' });
    expect((await t.api.get('/patients?search=onlyonce')).body.items).toHaveLength(1);
  });

  test('422 idempotency-key-reused for another body', async () => {
    await send('reused', aPatient()).expect(201);
    expect(problemOf(await send('reused', aPatient({ gender: 'other' })))).toBe('422 idempotency-key-reused');
  });

  test('409 duplicate-patient again, though the identifier is free by then', async () => {
    const identifiers = [{ system: 'urn:kept', value: '1' }];
    const id = await addPatient(t, { identifiers });
    const first = await send('kept', aPatient({ identifiers }));
    expect(problemOf(first)).toBe('409 duplicate-patient');
    await t.api.patch(`/patients/${id}`).send({ identifiers: null }).expect(200);
    const again = await send('kept', aPatient({ identifiers }));
    expect([again.status, again.text]).toEqual([409, first.text]);
  });

  test('201 after a 422, which the key forgets', async () => {
    expect(problemOf(await send('mended', aPatient({ birthDate: '9999' })))).toBe(
      '422 invalid-request #/birthDate',
    );
    await send('mended', aPatient()).expect(201);
  });

  test('one patient when it is sent many times at once', async () => {
    const body = aPatient({ familyName: 'Atonce' });
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => send('at-once', body).then((answer) => answer)),
    );
    const outcomes = new Set(answers.map(({ status, text }) => (status === 201 ? text : status)));
    outcomes.delete(409);
    expect(outcomes.size).toBe(1);
    for (const answer of answers)
      if (answer.status === 409) expect(problemOf(answer)).toBe('409 request-in-progress');
    expect((await t.api.get('/patients?search=atonce')).body.items).toHaveLength(1);
  });
});
