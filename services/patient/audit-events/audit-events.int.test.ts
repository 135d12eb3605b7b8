import { v7 as uuidv7 } from 'uuid';
import { keyOf } from '../../shared/audit/audit-store.ts';
import { type Sent, send, startWorld, type World } from '../../testing/access-world.ts';
import { anEvent, appendEntries } from '../../testing/audit-trail.ts';

let world: World;
let admin: string;
let patient: string;
beforeAll(async () => {
  world = await startWorld();
  admin = await world.tokenOf('admin');
  patient = await world.tokenOf('patient');
});
afterAll(() => world?.stop());

type Event = Record<string, unknown> & { id: number; recordedAt: string };
const list = async (path: string, token = admin) => {
  const { status, json } = await send(world.patient, 'GET', { path }, token);
  expect([path, status]).toEqual([path, 200]);
  return json() as unknown as { items: Event[]; nextCursor: string | null };
};
const read = async (sent: Sent, token = admin) => send(world.patient, 'GET', sent, token);

test('GET /audit-events 200 with the whole event, newest first', async () => {
  const { patientId } = world.mine;
  await read({ path: `/patients/${patientId}`, headers: { 'x-request-id': 'first' } });
  await read({ path: `/patients/${uuidv7()}`, headers: { 'x-request-id': 'second' } });
  const { items } = await list('/audit-events?limit=2');
  expect(items).toMatchObject([{ requestId: 'second', problem: 'not-found' }, { requestId: 'first' }]);
  expect(items[1]).toEqual({
    id: expect.any(Number),
    recordedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    subject: `${world.issuer.entry.issuer}#some admin`,
    role: 'admin',
    action: 'read',
    method: 'GET',
    route: '/patients/:id',
    status: 200,
    resourceId: patientId,
    patientIds: [patientId],
    sourceIp: expect.stringContaining('127.0.0.1'),
    requestId: 'first',
  });
});

test('GET /audit-events leaves an event with everybody whom its page is about', async () => {
  const { patientId } = await world.seedPair(world.theirs);
  await read({ path: `/patients/${patientId}` });
  await read({ path: '/audit-events?limit=1', headers: { 'x-request-id': 'looked' } });
  const [looked] = (await list(`/audit-events?patientId=${patientId}&limit=1`)).items;
  expect(looked).toMatchObject({ requestId: 'looked', route: '/audit-events', patientIds: [patientId] });
});

test('GET /audit-events 200 by patient, subject and time', async () => {
  const { patientId } = world.theirs;
  await read({ path: `/patients/${patientId}` });
  await read({ path: `/patients/${patientId}` }, patient);
  const ofPatient = (await list(`/audit-events?patientId=${patientId}`)).items;
  expect(ofPatient.length).toBeGreaterThanOrEqual(2);
  for (const event of ofPatient) expect(event.patientIds).toContain(patientId);
  const subject = encodeURIComponent(`${world.issuer.entry.issuer}#some patient`);
  expect((await list(`/audit-events?patientId=${patientId}&subject=${subject}`)).items).toMatchObject([
    { role: 'patient', status: 404 },
  ]);
  const [newest] = ofPatient;
  const at = encodeURIComponent(newest?.recordedAt ?? '');
  expect((await list(`/audit-events?to=${at}`)).items.map(({ id }) => id)).not.toContain(newest?.id);
  const since = encodeURIComponent(new Date(Date.parse(newest?.recordedAt ?? '') - 1).toISOString());
  expect(
    (await list(`/audit-events?from=${since}&patientId=${patientId}`)).items.map(({ id }) => id),
  ).toContain(newest?.id);
  expect((await list(`/audit-events?patientId=${uuidv7()}`)).items).toEqual([]);
});

test('GET /audit-events 200 of somebody who did so much that it is not collected first', async () => {
  await appendEntries(world.patient.db, 5_000, anEvent({ subject: 'busy' }));
  const first = await list('/audit-events?subject=busy&limit=3');
  const second = await list(`/audit-events?subject=busy&limit=3&cursor=${first.nextCursor}`);
  const ids = [...first.items, ...second.items].map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => b - a));
  expect(ids).toHaveLength(6);
});

test('an event of somebody else is not told where two share a key', async () => {
  const [asked, other] = [uuidv7(), uuidv7()];
  const events = ['read', 'search'].map((action) => [
    'another',
    'admin',
    action,
    'GET',
    '/',
    200,
    null,
    other,
  ]);
  await world.patient.db.query(
    'insert into audit_entries (events, keys) values ($1, array[$2::integer, $3])',
    [JSON.stringify(events), keyOf(asked), keyOf('the asked one')],
  );
  expect((await list(`/audit-events?patientId=${asked}`)).items).toEqual([]);
  expect((await list('/audit-events?subject=the+asked+one')).items).toEqual([]);
});

test.each(['/audit-events?', '/audit-events?patientId=', '/patients/'])(
  '%s pages show each event once',
  async (start) => {
    const { patientId } = await world.seedPair(world.mine);
    for (let n = 0; n < 7; n += 1) await read({ path: `/patients/${patientId}` });
    const path =
      { '/audit-events?': start, '/patients/': `/patients/${patientId}/access-log?` }[start] ??
      `${start}${patientId}`;
    // What is read meanwhile is newer than the first page.
    const seen: number[] = [];
    let cursor: string | null = '';
    for (let pages = 0; pages < 4 && cursor !== null; pages += 1) {
      const more: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page = await list(`${path}&limit=3${more}`);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(seen.length).toBeGreaterThanOrEqual(8);
    expect(new Set(seen).size).toBe(seen.length);
  },
);

test.each([
  ['a broken cursor', 'cursor=nonsense', 'cursor'],
  [
    'a cursor of another id',
    `cursor=${Buffer.from(JSON.stringify(['-recordedAt', '2026-11-22 10:00:00+00', uuidv7()])).toString('base64url')}`,
    'cursor',
  ],
  ['a patient that is no UUID', 'patientId=somebody', 'patientId'],
  ['an instant without an offset', 'from=2026-11-22T10:00:00', 'from'],
])('422 for %s', async (_what, query, parameter) => {
  const { status, json } = await read({ path: `/audit-events?${query}` });
  expect([status, json().errors]).toEqual([422, [expect.objectContaining({ parameter })]]);
});

describe('GET /patients/{id}/access-log', () => {
  test('200 for the patient: who asked, also in lists, and nothing of other patients or machines', async () => {
    const { patientId } = world.mine;
    await read({ path: '/patients' });
    const { items } = await list(`/patients/${patientId}/access-log`, patient);
    expect(items[0]).toEqual({
      id: expect.any(Number),
      recordedAt: expect.any(String),
      subject: `${world.issuer.entry.issuer}#some admin`,
      role: 'admin',
      action: 'search',
      method: 'GET',
      route: '/patients',
      status: 200,
    });
    expect(JSON.stringify(items)).not.toContain(world.theirs.patientId);
  });

  test('404 for another patient, for an unknown one and for a deleted one', async () => {
    const deleted = await world.patient.db.query<{ id: string }>(
      `insert into patients (id, family_name, name_key, birth_date, deleted_at) values (gen_random_uuid(), 'x', 'x', '1980', now()) returning id`,
    );
    for (const [id, token] of [
      [world.theirs.patientId, patient],
      [uuidv7(), admin],
      [deleted.rows[0]?.id, admin],
    ])
      expect((await read({ path: `/patients/${id}/access-log` }, token)).status).toBe(404);
  });
});
