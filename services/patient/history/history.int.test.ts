import { problemOf } from '../../testing/calendar.ts';
import { type History, newHistory, note } from '../../testing/history.ts';
import { addPatient } from '../../testing/people.ts';
import { startPatient, type TestService } from '../../testing/services.ts';
import { timelineItem } from './entry.ts';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';

let t: TestService;
let history: History;
let patientId: string;
let path: string;
beforeAll(async () => {
  t = await startPatient();
});
beforeEach(async () => {
  history = await newHistory(t);
  ({ patientId, path } = history);
});
afterAll(() => t.stop());

describe('POST /patients/{id}/history', () => {
  test('201 with the whole entry, Location and ETag, which GET repeats byte for byte', async () => {
    const appointmentId = await history.seedAppointment();
    const full = {
      kind: 'condition',
      description: 'Asthma',
      code: { system: 'http://snomed.info/sct', code: '195967001', display: 'Asthma' },
      occurredAt: '2019-07',
      endedAt: '2020-01-02T10:00:00.000Z',
      severity: 'moderate',
      appointmentId,
    };
    const answer = await t.api.post(path).send(full).expect(201);
    const { id, createdAt } = answer.body;
    expect(answer.body).toEqual({ ...full, id, patientId, recordedBy: 'anonymous', createdAt });
    expect(timelineItem.parse(answer.body)).toEqual(answer.body);
    expect(createdAt).toMatch(INSTANT);
    expect(answer.headers).toMatchObject({ location: `${path}/${id}`, etag: '"1"' });
    const read = await t.api.get(`${path}/${id}`).expect(200);
    expect([read.text, read.headers.etag]).toEqual([answer.text, '"1"']);
  });

  test('201 without members that have no value', async () => {
    const { body } = await t.api
      .post(path)
      .send({ ...note, code: {} })
      .expect(201);
    expect(Object.keys(body)).toEqual([
      'id',
      'patientId',
      'kind',
      'description',
      'occurredAt',
      'recordedBy',
      'createdAt',
    ]);
  });

  test('201 with an instant of any offset, given back in UTC', async () => {
    const { body } = await t.api
      .post(path)
      .send({ ...note, occurredAt: '2020-03-01T00:30:00+01:00' })
      .expect(201);
    expect(body.occurredAt).toBe('2020-02-29T23:30:00.000Z');
  });

  test('422 for an appointment of another patient, an unknown one, and one of nobody', async () => {
    const other = await history.seedAppointment({ patientId: await addPatient(t) });
    for (const appointmentId of [other, UNKNOWN]) {
      const answer = await t.api.post(path).send({ ...note, appointmentId });
      expect(problemOf(answer)).toBe('422 invalid-request #/appointmentId');
      expect(answer.body.errors[0].detail).toBe('must be the id of an appointment of this patient');
    }
    expect(await history.timeline()).toEqual([]);
  });

  test('422 with every invalid member', async () => {
    const answer = await t.api
      .post(path)
      .send({ kind: 'visit', occurredAt: 'now', endedAt: '20', sevrity: 'mild' });
    expect(problemOf(answer)).toBe(
      '422 invalid-request #/kind, #/description, #/occurredAt, #/endedAt, #/sevrity',
    );
  });

  test.each([
    ['an end before the start', { endedAt: '2019-12-31' }, '#/endedAt'],
    ['NUL', { description: 'a\0' }, '#/description'],
    ['half a surrogate pair in the code', { code: { display: '\udc00' } }, '#/code/display'],
    ['a member that the server makes', { id: UNKNOWN, recordedBy: 'me' }, '#/id, #/recordedBy'],
  ])('422 for %s', async (_what, members, pointers) => {
    expect(problemOf(await t.api.post(path).send({ ...note, ...members }))).toBe(
      `422 invalid-request ${pointers}`,
    );
  });

  test('422 for __proto__, 400 for what is no JSON, 415 for another media type, 404 for an unknown patient', async () => {
    const send = (body: string, type = 'application/json') =>
      t.api.post(path).set('Content-Type', type).send(body);
    expect(
      problemOf(await send('{"kind":"note","description":"x","occurredAt":"2020","__proto__":{}}')),
    ).toBe('422 invalid-request #/__proto__');
    expect(problemOf(await send('{'))).toBe('400 invalid-json');
    expect(problemOf(await send('x', 'text/plain'))).toBe('415 unsupported-media-type');
    expect(problemOf(await t.api.post(`/patients/${UNKNOWN}/history`).send(note))).toBe('404 not-found');
    expect(problemOf(await t.api.post('/patients/x/history').send(note))).toBe('404 not-found');
  });

  test('201 again for the same Idempotency-Key, and one entry', async () => {
    const send = (body: object) => t.api.post(path).set('Idempotency-Key', `note-${patientId}`).send(body);
    const first = await send(note).expect(201);
    const again = await send(note).expect(201);
    expect([again.text, again.headers.location, again.headers.etag]).toEqual([
      first.text,
      first.headers.location,
      '"1"',
    ]);
    expect(problemOf(await send({ ...note, occurredAt: '2021' }))).toBe('422 idempotency-key-reused');
    expect(await history.timeline()).toEqual([first.body]);
  });
});

describe('GET /patients/{id}/history/{entryId}', () => {
  test('304 when the version is known, until the entry is superseded', async () => {
    const id = await history.record();
    const read = () => t.api.get(`${path}/${id}`).set('If-None-Match', '"1"');
    await read().expect(304);
    await t.api.post(`${path}/${id}/amend`).send({ description: 'B' }).expect(201);
    await read().expect(200);
  });

  test('404 for an unknown entry, one of another patient, and no UUID', async () => {
    const id = await history.record();
    const other = await addPatient(t);
    for (const read of [
      `${path}/${UNKNOWN}`,
      `${path}/1`,
      `/patients/${other}/history/${id}`,
      `/patients/${UNKNOWN}/history/${id}`,
    ])
      expect(problemOf(await t.api.get(read))).toBe('404 not-found');
  });
});

test('405 with Allow, 204 for OPTIONS with the same, HEAD as GET', async () => {
  const id = await history.record();
  const allowed = {
    [path]: 'POST, GET, HEAD, OPTIONS',
    [`${path}/${id}`]: 'GET, HEAD, OPTIONS',
    [`${path}/${id}/amend`]: 'POST, OPTIONS',
  };
  for (const [at, allow] of Object.entries(allowed)) {
    expect((await t.api.options(at).expect(204)).headers.allow).toBe(allow);
    const answer = await t.api.delete(at);
    expect([problemOf(answer), answer.headers.allow]).toEqual(['405 method-not-allowed', allow]);
  }
  expect((await t.api.head(`${path}/${id}`).expect(200)).headers.etag).toBe('"1"');
});
