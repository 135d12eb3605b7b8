import { problemOf } from '../../testing/calendar.ts';
import { type History, newHistory, note } from '../../testing/history.ts';
import { addPatient } from '../../testing/people.ts';
import { startPatient, type TestService } from '../../testing/services.ts';
import { timelineItem } from './entry.ts';

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
    const id = await history.record(old);
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
    const id = await history.record({ occurredAt: '2020' });
    await history.record({ description: 'Between', occurredAt: '2021' });
    const second = (await amend(id, { occurredAt: '2022' }).expect(201)).body;
    const third = (await amend(second.id, { description: 'Third' }).expect(201)).body;
    expect((await history.timeline()).map(({ id }) => id)).toEqual([third.id, expect.any(String)]);
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
    const id = await history.record();
    const struck = (await amend(id, { enteredInError: true }).expect(201)).body;
    expect(timelineItem.parse(struck)).toEqual(struck);
    expect(struck).toMatchObject({ ...note, enteredInError: true, supersedes: id });
    expect(await history.timeline()).toEqual([struck]);
    const still = (await amend(struck.id).expect(201)).body;
    expect(still.enteredInError).toBe(true);
    const back = (await amend(still.id, { enteredInError: false }).expect(201)).body;
    expect(back).not.toHaveProperty('enteredInError');
    expect(await history.timeline()).toEqual([back]);
  });

  test('201 for an entry that was read, edited and sent back whole, as merge-patch too', async () => {
    const { body: read } = await t.api.get(`${path}/${await history.record()}`);
    const answer = await t.api
      .post(`${path}/${read.id}/amend`)
      .type('application/merge-patch+json')
      .send(JSON.stringify({ ...read, description: 'Edited' }))
      .expect(201);
    expect(answer.body).toMatchObject({ description: 'Edited', supersedes: read.id });
  });

  test('409 already-amended the second time, and nothing is stored', async () => {
    const id = await history.record();
    await amend(id).expect(201);
    const answer = await amend(id, { description: 'Third' });
    expect(problemOf(answer)).toBe('409 already-amended');
    expect(await history.descriptions()).toEqual(['Better']);
  });

  test('201 for one of many at once, 409 already-amended for the others', async () => {
    const id = await history.record();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        amend(id, { description: `${index}` }).then((answer) => answer),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 201))
      expect(problemOf(answer)).toBe('409 already-amended');
    expect(await history.timeline()).toHaveLength(1);
  });

  test('201 again for the same Idempotency-Key; a kept 409 too', async () => {
    const id = await history.record();
    const send = (key: string) => amend(id).set('Idempotency-Key', `${key}-${id}`);
    const first = await send('a').expect(201);
    expect((await send('a').expect(201)).text).toBe(first.text);
    const refused = await send('b');
    expect(problemOf(refused)).toBe('409 already-amended');
    expect((await send('b')).text).toBe(refused.text);
  });

  test('412 for a stale If-Match, 201 for the present one', async () => {
    const id = await history.record();
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
    const id = await history.record();
    expect(problemOf(await amend(id, body))).toBe(`422 invalid-request ${pointers}`);
    expect(await history.timeline()).toHaveLength(1);
  });

  test('422 for no body, 415 for another media type', async () => {
    const id = await history.record();
    expect(problemOf(await t.api.post(`${path}/${id}/amend`))).toBe('422 invalid-request #');
    expect(problemOf(await t.api.post(`${path}/${id}/amend`).type('text/plain').send('x'))).toBe(
      '415 unsupported-media-type',
    );
  });

  test('422 for a visit, which follows from its appointment', async () => {
    const answer = await amend(await history.seedAppointment());
    expect(problemOf(answer)).toBe('422 invalid-request #');
    expect(answer.body.errors[0].detail).toBe('a visit follows from its appointment and cannot be amended');
  });

  test('404 for an unknown entry, one of another patient, an unknown patient', async () => {
    const id = await history.record();
    expect(problemOf(await amend(UNKNOWN))).toBe('404 not-found');
    const other = await addPatient(t);
    for (const wrong of [
      `/patients/${other}/history/${id}/amend`,
      `/patients/${UNKNOWN}/history/${id}/amend`,
    ])
      expect(problemOf(await t.api.post(wrong).send({ description: 'x' }))).toBe('404 not-found');
  });
});
