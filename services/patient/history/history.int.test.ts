import { v7 as uuidv7 } from 'uuid';
import { problemOf } from '../../testing/calendar.ts';
import { addPatient, allPages } from '../../testing/people.ts';
import { startPatient, type TestService } from '../../testing/services.ts';
import { timelineItem } from './entry.ts';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';

let t: TestService;
let patientId: string;
let path: string;
beforeAll(async () => {
  t = await startPatient();
});
beforeEach(async () => {
  patientId = await addPatient(t);
  path = `/patients/${patientId}/history`;
});
afterAll(() => t.stop());

const note = { kind: 'note', description: 'A note', occurredAt: '2020' };

const record = async (members: object = {}): Promise<string> =>
  (
    await t.api
      .post(path)
      .send({ ...note, ...members })
      .expect(201)
  ).body.id;

const timeline = async (query = ''): Promise<Record<string, unknown>[]> =>
  (await t.api.get(`${path}${query}`).expect(200)).body.items;

const descriptions = async (query = '') => (await timeline(query)).map(({ description }) => description);

/** An appointment of half an hour, made behind the API. */
async function seedAppointment(
  members: { patientId?: string; startsAt?: string; status?: string; reason?: string | null } = {},
): Promise<string> {
  const {
    patientId: of = patientId,
    startsAt = '2026-01-05T09:00:00Z',
    status = 'fulfilled',
    reason = null,
  } = members;
  const { rows } = await t.db.query(
    `insert into appointments (id, patient_id, doctor_id, starts_at, ends_at, status, reason, notes, answered_revision, next_try_at)
     values ($1, $2, $3, $4, $4::timestamptz + interval '30 minutes', $5, $6, 'secret notes', 1, now()) returning id`,
    [uuidv7(), of, UNKNOWN, startsAt, status, reason],
  );
  return rows[0].id;
}

describe('POST /patients/{id}/history', () => {
  test('201 with the whole entry, Location and ETag, which GET repeats byte for byte', async () => {
    const appointmentId = await seedAppointment();
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
    const other = await seedAppointment({ patientId: await addPatient(t) });
    for (const appointmentId of [other, UNKNOWN]) {
      const answer = await t.api.post(path).send({ ...note, appointmentId });
      expect(problemOf(answer)).toBe('422 invalid-request #/appointmentId');
      expect(answer.body.errors[0].detail).toBe('must be the id of an appointment of this patient');
    }
    expect(await timeline()).toEqual([]);
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
    expect(await timeline()).toEqual([first.body]);
  });
});

describe('GET /patients/{id}/history', () => {
  test('200 newest first by the start of what occurred, ties by id, visits among the rest', async () => {
    const days = [
      '2020',
      '2020-01-01',
      '2020-01',
      '2020-02',
      '2019-12-31T23:59:59.999Z',
      '2020-01-01T00:00:00.001Z',
    ];
    for (const occurredAt of days) await record({ description: occurredAt, occurredAt });
    await seedAppointment({ startsAt: '2020-01-15T08:00:00Z', reason: 'Checkup' });
    expect(await descriptions()).toEqual([
      '2020-02',
      'Checkup',
      '2020-01-01T00:00:00.001Z',
      '2020-01',
      '2020-01-01',
      '2020',
      '2019-12-31T23:59:59.999Z',
    ]);
  });

  test('200 with completed visits as they are derived, without the notes of the appointment', async () => {
    const startsAt = '2026-01-05T09:00:00.000Z';
    const id = await seedAppointment({ startsAt, reason: 'Cough' });
    const visit = {
      id,
      patientId,
      kind: 'visit',
      description: 'Cough',
      occurredAt: startsAt,
      endedAt: '2026-01-05T09:30:00.000Z',
      appointmentId: id,
      doctorId: UNKNOWN,
    };
    expect(timelineItem.parse(visit)).toEqual(visit);
    expect(await timeline()).toEqual([visit]);
    const read = await t.api.get(`${path}/${id}`).expect(200);
    expect([read.body, read.headers.etag]).toEqual([visit, '"1"']);
  });

  test('200 without visits that are not completed; undo takes a visit away', async () => {
    for (const status of ['pending', 'booked', 'arrived', 'noshow', 'cancelled', 'rejected'])
      await seedAppointment({ status });
    const id = await seedAppointment({ status: 'in-progress', startsAt: '2026-01-06T09:00:00Z' });
    expect(await timeline()).toEqual([]);
    expect(problemOf(await t.api.get(`${path}/${id}`))).toBe('404 not-found');
    await t.api.post(`/appointments/${id}/complete`).expect(200);
    expect(await descriptions()).toEqual(['Visit']);
    const read = await t.api.get(`${path}/${id}`).expect(200);
    expect(read.headers.etag).toBe('"2"');
    await t.api.post(`/appointments/${id}/undo`).expect(200);
    expect(await timeline()).toEqual([]);
    expect(problemOf(await t.api.get(`${path}/${id}`))).toBe('404 not-found');
  });

  test('200 of one kind, visits included', async () => {
    await record({ kind: 'allergy', description: 'Nuts' });
    await record();
    await seedAppointment();
    expect(await descriptions('?kind=allergy')).toEqual(['Nuts']);
    expect(await descriptions('?kind=visit')).toEqual(['Visit']);
    expect(await descriptions('?kind=procedure')).toEqual([]);
  });

  test('200 from an instant or the start of a period on, to before another', async () => {
    for (const occurredAt of ['2020', '2020-06', '2020-06-15T10:00:00Z', '2021-01-01'])
      await record({ description: occurredAt, occurredAt });
    await seedAppointment({ startsAt: '2020-07-01T00:00:00Z' });
    expect(await descriptions('?from=2020-06')).toEqual([
      '2021-01-01',
      'Visit',
      '2020-06-15T10:00:00Z',
      '2020-06',
    ]);
    expect(await descriptions('?to=2020-07')).toEqual(['2020-06-15T10:00:00Z', '2020-06', '2020']);
    expect(await descriptions('?from=2020&to=2021')).toEqual([
      'Visit',
      '2020-06-15T10:00:00Z',
      '2020-06',
      '2020',
    ]);
    expect(await descriptions('?from=2020-06-15T12:00:00%2B02:00&to=2020-06-15T10:00:00.001Z')).toEqual([
      '2020-06-15T10:00:00Z',
    ]);
    expect(await descriptions('?from=2020-07-01&kind=visit')).toEqual(['Visit']);
    expect(await descriptions('?from=2021&to=2020')).toEqual([]);
  });

  test('200 in pages that have each entry and visit once, through ties', async () => {
    for (let index = 0; index < 6; index++) {
      await record({
        description: String(index),
        occurredAt: index % 2 === 0 ? '2020' : '2020-01-01T00:00:00Z',
      });
      await seedAppointment({ startsAt: '2020-01-01T00:00:00Z', reason: `visit ${index}` });
    }
    const whole = await timeline('?limit=200');
    expect(whole).toHaveLength(12);
    for (const limit of [1, 5]) expect(await allPages(t, path, limit)).toEqual(whole);
    expect(await allPages(t, `${path}?kind=visit&from=2020`, 2)).toHaveLength(6);
  });

  test.each([
    ['limit=0', 'limit'],
    ['cursor=x', 'cursor'],
    [
      `cursor=${Buffer.from(JSON.stringify(['-occurredAt', 'infinity', UNKNOWN])).toString('base64url')}`,
      'cursor',
    ],
    ['kind=visits', 'kind'],
    ['kind=note&kind=visit', 'kind'],
    ['from=2020-13', 'from'],
    ['to=2020-01-01T00:00:00', 'to'],
    ['from=%00', 'from'],
    ['since=2020&sort=kind', 'since, sort'],
  ])('422 for %s', async (query, parameters) => {
    expect(problemOf(await t.api.get(`${path}?${query}`))).toBe(`422 invalid-request ${parameters}`);
  });

  test('404 for an unknown patient', async () => {
    expect(problemOf(await t.api.get(`/patients/${UNKNOWN}/history`))).toBe('404 not-found');
  });
});

describe('GET /patients/{id}/history/{entryId}', () => {
  test('304 when the version is known, until the entry is superseded', async () => {
    const id = await record();
    const read = () => t.api.get(`${path}/${id}`).set('If-None-Match', '"1"');
    await read().expect(304);
    await t.api.post(`${path}/${id}/amend`).send({ description: 'B' }).expect(201);
    await read().expect(200);
  });

  test('404 for an unknown entry, one of another patient, and no UUID', async () => {
    const id = await record();
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

describe('POST /patients/{id}/history/{entryId}/amend', () => {
  const amend = (id: string, body: object = { description: 'Better' }) =>
    t.api.post(`${path}/${id}/amend`).send(body);

  test('201 with a new entry that supersedes: members not sent are taken over, null removes one', async () => {
    const old = {
      ...note,
      kind: 'allergy',
      severity: 'mild',
      endedAt: '2021',
      code: { system: 'urn:x', code: '1' },
    };
    const id = await record(old);
    const answer = await amend(id, { description: 'Better', endedAt: null, code: { code: '2' } }).expect(201);
    const { body } = answer;
    const { endedAt, ...rest } = old;
    expect(endedAt).toBe('2021');
    expect(body).toEqual({
      ...rest,
      description: 'Better',
      code: { system: 'urn:x', code: '2' },
      id: body.id,
      patientId,
      supersedes: id,
      recordedBy: 'anonymous',
      createdAt: body.createdAt,
    });
    expect(answer.headers).toMatchObject({ location: `${path}/${body.id}`, etag: '"1"' });
    expect((await t.api.get(`${path}/${body.id}`).expect(200)).text).toBe(answer.text);
  });

  test('the timeline shows the newest at its own time, the old one stays readable by its id', async () => {
    const id = await record({ occurredAt: '2020' });
    await record({ description: 'Between', occurredAt: '2021' });
    const second = (await amend(id, { occurredAt: '2022' }).expect(201)).body;
    const third = (await amend(second.id, { description: 'Third' }).expect(201)).body;
    expect((await timeline()).map(({ id }) => id)).toEqual([third.id, expect.any(String)]);
    expect((await t.api.get(`${path}/${id}`).expect(200)).body).toMatchObject({
      occurredAt: '2020',
      supersededBy: second.id,
    });
    expect((await t.api.get(`${path}/${second.id}`)).body).toMatchObject({
      supersedes: id,
      supersededBy: third.id,
    });
    expect((await t.api.get(`${path}/${third.id}`)).body).not.toHaveProperty('supersededBy');
  });

  test('201 strikes with enteredInError: it stays in the timeline, marked, and the mark can be taken back', async () => {
    const id = await record();
    const struck = (await amend(id, { enteredInError: true }).expect(201)).body;
    expect(timelineItem.parse(struck)).toEqual(struck);
    expect(struck).toMatchObject({ ...note, enteredInError: true, supersedes: id });
    expect(await timeline()).toEqual([struck]);
    const still = (await amend(struck.id).expect(201)).body;
    expect(still.enteredInError).toBe(true);
    const back = (await amend(still.id, { enteredInError: false }).expect(201)).body;
    expect(back).not.toHaveProperty('enteredInError');
    expect(await timeline()).toEqual([back]);
  });

  test('201 for an entry that was read, edited and sent back whole, as merge-patch too', async () => {
    const { body: read } = await t.api.get(`${path}/${await record()}`);
    const answer = await t.api
      .post(`${path}/${read.id}/amend`)
      .type('application/merge-patch+json')
      .send(JSON.stringify({ ...read, description: 'Edited' }))
      .expect(201);
    expect(answer.body).toMatchObject({ description: 'Edited', supersedes: read.id });
  });

  test('409 already-amended the second time, and nothing is stored', async () => {
    const id = await record();
    await amend(id).expect(201);
    const answer = await amend(id, { description: 'Third' });
    expect(problemOf(answer)).toBe('409 already-amended');
    expect(await descriptions()).toEqual(['Better']);
  });

  test('201 for one of many at once, 409 already-amended for the others', async () => {
    const id = await record();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        amend(id, { description: `${index}` }).then((answer) => answer),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 201))
      expect(problemOf(answer)).toBe('409 already-amended');
    expect(await timeline()).toHaveLength(1);
  });

  test('201 again for the same Idempotency-Key; a kept 409 too', async () => {
    const id = await record();
    const send = (key: string) => amend(id).set('Idempotency-Key', `${key}-${id}`);
    const first = await send('a').expect(201);
    expect((await send('a').expect(201)).text).toBe(first.text);
    const refused = await send('b');
    expect(problemOf(refused)).toBe('409 already-amended');
    expect((await send('b')).text).toBe(refused.text);
  });

  test('412 for a stale If-Match, 201 for the present one', async () => {
    const id = await record();
    expect(problemOf(await amend(id).set('If-Match', '"2"'))).toBe('412 version-mismatch');
    await amend(id).set('If-Match', '"1"').expect(201);
    expect(problemOf(await amend(id).set('If-Match', '"1"'))).toBe('412 version-mismatch');
  });

  test.each([
    ['an unknown member', { descripton: 'x' }, '#/descripton'],
    ['an unknown member to remove', { descripton: null }, '#/descripton'],
    ['removing what is required', { kind: null, occurredAt: null }, '#/kind, #/occurredAt'],
    ['a visit', { kind: 'visit' }, '#/kind'],
    ['an end before the start that is taken over', { endedAt: '2019' }, '#/endedAt'],
    ['what the server makes', { supersedes: UNKNOWN, recordedBy: 'me' }, '#/supersedes, #/recordedBy'],
    ['an unknown appointment', { appointmentId: UNKNOWN }, '#/appointmentId'],
    ['a list', [], '#'],
  ])('422 for %s', async (_what, body, pointers) => {
    const id = await record();
    expect(problemOf(await amend(id, body))).toBe(`422 invalid-request ${pointers}`);
    expect(await timeline()).toHaveLength(1);
  });

  test('422 for no body, 415 for another media type', async () => {
    const id = await record();
    expect(problemOf(await t.api.post(`${path}/${id}/amend`))).toBe('422 invalid-request #');
    expect(problemOf(await t.api.post(`${path}/${id}/amend`).type('text/plain').send('x'))).toBe(
      '415 unsupported-media-type',
    );
  });

  test('422 for a visit, which follows from its appointment', async () => {
    const answer = await amend(await seedAppointment());
    expect(problemOf(answer)).toBe('422 invalid-request #');
    expect(answer.body.errors[0].detail).toBe('a visit follows from its appointment and cannot be amended');
  });

  test('404 for an unknown entry, one of another patient, an unknown patient', async () => {
    const id = await record();
    expect(problemOf(await amend(UNKNOWN))).toBe('404 not-found');
    const other = await addPatient(t);
    for (const wrong of [
      `/patients/${other}/history/${id}/amend`,
      `/patients/${UNKNOWN}/history/${id}/amend`,
    ])
      expect(problemOf(await t.api.post(wrong).send({ description: 'x' }))).toBe('404 not-found');
  });
});

test('405 with Allow, 204 for OPTIONS with the same, HEAD as GET', async () => {
  const id = await record();
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
