import {
  itemsOf,
  type Pair,
  pointersOf,
  type Role,
  type Sent,
  startWorld,
  type World,
} from './testing/access-world.ts';

let world: World;
let mine: Pair;
beforeAll(async () => {
  world = await startWorld();
  ({ mine } = world);
});
afterAll(() => world?.stop());

const patch = 'application/merge-patch+json';

describe('notes', () => {
  const read = (pair: Pair): Sent => ({ path: `/appointments/${pair.appointmentId}` });

  test.each<[Role, string | undefined]>([
    ['admin', undefined],
    ['receptionist', undefined],
    ['doctor', 'clinical words'],
    ['patient', 'clinical words'],
  ])('as %s sees them: %s', async (role, notes) => {
    expect((await world.as(role, 'GET', read(mine))).json().notes).toBe(notes);
    const items = itemsOf(await world.as(role, 'GET', { path: '/appointments' }));
    expect(items.find(({ id }) => id === mine.appointmentId)?.notes).toBe(notes);
    const pair = await world.seedPair(mine);
    const cancelled = await world.as(role, 'POST', { path: `/appointments/${pair.appointmentId}/cancel` });
    expect([cancelled.status, cancelled.json().notes]).toEqual([200, notes]);
  });

  test.each<[Role, number]>([
    ['admin', 403],
    ['receptionist', 403],
    ['patient', 403],
    ['doctor', 201],
  ])('as %s sets them when booking: %i', async (role, status) => {
    const { patientId, doctorId, free } = await world.seedPair(mine);
    const body = { patientId, doctorId, ...free, notes: 'words' };
    const answer = await world.as(role, 'POST', { path: '/appointments', body });
    expect(answer.status).toBe(status);
    if (status === 403) expect(pointersOf(answer)).toEqual(['#/notes']);
  });

  test('stay when the front desk changes the reason, and cannot be set by it', async () => {
    const pair = await world.seedPair(mine);
    const changed = await world.as('receptionist', 'PATCH', {
      ...read(pair),
      body: { reason: 'Cough' },
      type: patch,
    });
    expect([changed.status, changed.json().reason]).toEqual([200, 'Cough']);
    expect((await world.as('doctor', 'GET', read(pair))).json()).toMatchObject({
      notes: 'clinical words',
      reason: 'Cough',
    });
    for (const notes of ['words', null]) {
      const refused = await world.as('receptionist', 'PATCH', {
        ...read(pair),
        body: { notes },
        type: patch,
      });
      expect([refused.status, pointersOf(refused)]).toEqual([403, ['#/notes']]);
    }
  });
});

describe('members', () => {
  test('of their own record patients change how they are reached, and nothing else', async () => {
    const path = `/patients/${mine.patientId}`;
    const allowed = {
      phone: '+1 555 0101',
      email: 'pat@example.org',
      address: { city: 'Here' },
      emergencyContact: null,
    };
    expect((await world.as('patient', 'PATCH', { path, body: allowed, type: patch })).status).toBe(200);
    const refused = await world.as('patient', 'PATCH', {
      path,
      body: {
        ...allowed,
        familyName: 'Other',
        givenName: 'Other',
        birthDate: '1981',
        gender: 'other',
        identifiers: [],
        version: 1,
      },
      type: patch,
    });
    expect([refused.status, pointersOf(refused)]).toEqual([
      403,
      ['#/familyName', '#/givenName', '#/birthDate', '#/gender', '#/identifiers', '#/version'],
    ]);
  });

  test('of their own profile doctors change contact data and languages, and nothing else', async () => {
    const path = `/doctors/${mine.doctorId}`;
    const allowed = { phone: '+1 555 0102', email: 'doc@example.org', languages: ['de'] };
    expect(
      (await world.as('doctor', 'PATCH', { path, body: allowed, type: patch }, world.doctor)).status,
    ).toBe(200);
    const refused = await world.as(
      'doctor',
      'PATCH',
      {
        path,
        body: {
          givenName: 'Other',
          familyName: 'Other',
          specialties: ['surgery'],
          licenseNumber: 'X',
          timeZone: 'UTC',
        },
        type: patch,
      },
      world.doctor,
    );
    expect([refused.status, pointersOf(refused)]).toEqual([
      403,
      ['#/givenName', '#/familyName', '#/specialties', '#/licenseNumber', '#/timeZone'],
    ]);
  });

  test('of a doctor that patients see have no licence and no contact data', async () => {
    await world.doctor.db.query(
      `update doctors set license_number = 'L-1', email = 'doc@example.org', phone = '+1 555 0103' where id = $1`,
      [mine.doctorId],
    );
    const path = `/doctors/${mine.doctorId}`;
    const shown = (await world.as('patient', 'GET', { path }, world.doctor)).json();
    for (const member of ['licenseNumber', 'email', 'phone']) expect(shown).not.toHaveProperty(member);
    const items = itemsOf(await world.as('patient', 'GET', { path: '/doctors' }, world.doctor));
    for (const item of items) expect(item).not.toHaveProperty('licenseNumber');
    expect((await world.as('receptionist', 'GET', { path }, world.doctor)).json()).toMatchObject({
      licenseNumber: 'L-1',
    });
  });
});
