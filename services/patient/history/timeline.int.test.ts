import { problemOf } from '../../testing/calendar.ts';
import { type History, newHistory } from '../../testing/history.ts';
import { allPages } from '../../testing/pages.ts';
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
    for (const occurredAt of days) await history.record({ description: occurredAt, occurredAt });
    await history.seedAppointment({ startsAt: '2020-01-15T08:00:00Z', reason: 'Checkup' });
    expect(await history.descriptions()).toEqual([
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
    const id = await history.seedAppointment({ doctorId: UNKNOWN, startsAt, reason: 'Cough' });
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
    expect(await history.timeline()).toEqual([visit]);
    const read = await t.api.get(`${path}/${id}`).expect(200);
    expect([read.body, read.headers.etag]).toEqual([visit, '"1"']);
  });

  test('200 without visits that are not completed; undo takes a visit away', async () => {
    for (const status of ['pending', 'booked', 'arrived', 'noshow', 'cancelled', 'rejected'])
      await history.seedAppointment({ status });
    const id = await history.seedAppointment({ status: 'in-progress', startsAt: '2026-01-06T09:00:00Z' });
    expect(await history.timeline()).toEqual([]);
    expect(problemOf(await t.api.get(`${path}/${id}`))).toBe('404 not-found');
    await t.api.post(`/appointments/${id}/complete`).expect(200);
    expect(await history.descriptions()).toEqual(['Visit']);
    const read = await t.api.get(`${path}/${id}`).expect(200);
    expect(read.headers.etag).toBe('"2"');
    await t.api.post(`/appointments/${id}/undo`).expect(200);
    expect(await history.timeline()).toEqual([]);
    expect(problemOf(await t.api.get(`${path}/${id}`))).toBe('404 not-found');
  });

  test('200 of one kind, visits included', async () => {
    await history.record({ kind: 'allergy', description: 'Nuts' });
    await history.record();
    await history.seedAppointment();
    expect(await history.descriptions('?kind=allergy')).toEqual(['Nuts']);
    expect(await history.descriptions('?kind=visit')).toEqual(['Visit']);
    expect(await history.descriptions('?kind=procedure')).toEqual([]);
  });

  test('200 from an instant or the start of a period on, to before another', async () => {
    for (const occurredAt of ['2020', '2020-06', '2020-06-15T10:00:00Z', '2021-01-01'])
      await history.record({ description: occurredAt, occurredAt });
    await history.seedAppointment({ startsAt: '2020-07-01T00:00:00Z' });
    expect(await history.descriptions('?from=2020-06')).toEqual([
      '2021-01-01',
      'Visit',
      '2020-06-15T10:00:00Z',
      '2020-06',
    ]);
    expect(await history.descriptions('?to=2020-07')).toEqual(['2020-06-15T10:00:00Z', '2020-06', '2020']);
    expect(await history.descriptions('?from=2020&to=2021')).toEqual([
      'Visit',
      '2020-06-15T10:00:00Z',
      '2020-06',
      '2020',
    ]);
    expect(
      await history.descriptions('?from=2020-06-15T12:00:00%2B02:00&to=2020-06-15T10:00:00.001Z'),
    ).toEqual(['2020-06-15T10:00:00Z']);
    expect(await history.descriptions('?from=2020-07-01&kind=visit')).toEqual(['Visit']);
    expect(await history.descriptions('?from=2021&to=2020')).toEqual([]);
  });

  test('200 in pages that have each entry and visit once, through ties', async () => {
    for (let index = 0; index < 6; index++) {
      await history.record({
        description: String(index),
        occurredAt: index % 2 === 0 ? '2020' : '2020-01-01T00:00:00Z',
      });
      await history.seedAppointment({ startsAt: '2020-01-01T00:00:00Z', reason: `visit ${index}` });
    }
    const whole = await history.timeline('?limit=200');
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
