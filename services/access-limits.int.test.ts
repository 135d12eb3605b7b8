import { v7 as uuidv7 } from 'uuid';
import { INSERT_PREFIXES } from './patient/patients/prefix-store.ts';
import {
  itemsOf,
  type Pair,
  pointersOf,
  type Role,
  type Sent,
  startWorld,
  type World,
} from './testing/access-world.ts';
import { seedPatient } from './testing/clinic.ts';

let world: World;
let mine: Pair;
let theirs: Pair;
beforeAll(async () => {
  world = await startWorld();
  ({ mine, theirs } = world);
});
afterAll(() => world?.stop());

const idsOf = (answer: Parameters<typeof itemsOf>[0]) => itemsOf(answer).map(({ id }) => id);

const booking = ({ patientId, doctorId }: Partial<Pair>, { free }: Pair): Sent => ({
  path: '/appointments',
  body: { patientId, doctorId, ...free },
});

describe('lists', () => {
  test('of patients show a doctor those whom the doctor has, searched or not', async () => {
    const { rows } = await world.patient.db.query(
      `update patients set name_key = E' example\\t pat' returning id`,
    );
    await world.patient.db.query(INSERT_PREFIXES.text, [rows.map(({ id }) => id)]);
    for (const path of [
      '/patients',
      '/patients?search=example',
      '/patients?search=example%20pat&sort=-createdAt',
    ]) {
      expect(idsOf(await world.as('doctor', 'GET', { path }))).toEqual([mine.patientId]);
      expect(idsOf(await world.as('receptionist', 'GET', { path }))).toEqual(
        expect.arrayContaining([mine.patientId, theirs.patientId]),
      );
    }
  });

  test('of appointments show doctors and patients their own, whatever they ask for', async () => {
    for (const role of ['doctor', 'patient'] as const) {
      expect(idsOf(await world.as(role, 'GET', { path: '/appointments' }))).toContain(mine.appointmentId);
      for (const filter of ['', `?patientId=${theirs.patientId}`, `?doctorId=${theirs.doctorId}`]) {
        expect(idsOf(await world.as(role, 'GET', { path: `/appointments${filter}` }))).not.toContain(
          theirs.appointmentId,
        );
      }
    }
    expect(idsOf(await world.as('admin', 'GET', { path: '/appointments' }))).toContain(theirs.appointmentId);
  });

  test('of deleted patients are for admins only', async () => {
    const path = '/patients?deleted=true';
    expect((await world.as('admin', 'GET', { path })).status).toBe(200);
    for (const role of ['receptionist', 'doctor'] as const)
      expect((await world.as(role, 'GET', { path })).status).toBe(403);
  });
});

describe('a doctor has a patient', () => {
  test.each([
    ['booked', 200],
    ['arrived', 200],
    ['in-progress', 200],
    ['fulfilled', 200],
    ['noshow', 200],
    ['pending', 404],
    ['cancelled', 404],
    ['rejected', 404],
  ])('while an appointment of the two is %s: %i', async (status, expected) => {
    const patientId = await seedPatient(world.patient);
    const { appointmentId } = await world.seedPair({ patientId, doctorId: mine.doctorId });
    await world.patient.db.query('update appointments set status = $2 where id = $1', [
      appointmentId,
      status,
    ]);
    expect((await world.as('doctor', 'GET', { path: `/patients/${patientId}` })).status).toBe(expected);
    expect((await world.as('doctor', 'GET', { path: `/patients/${patientId}/history` })).status).toBe(
      expected,
    );
  });
});

describe('a booking', () => {
  test('404 for a patient who books for another: that the other exists is not told', async () => {
    const other = await world.as('patient', 'POST', booking({ ...mine, patientId: theirs.patientId }, mine));
    const nobody = await world.as('patient', 'POST', booking({ ...mine, patientId: uuidv7() }, mine));
    expect([other.status, nobody.status]).toEqual([404, 404]);
    const text = ({ instance: _its, ...rest }: Record<string, unknown>) => rest;
    expect(text(other.json())).toEqual(text(nobody.json()));
  });

  test('404 for a patient whom the doctor does not have, 403 in the calendar of another doctor', async () => {
    const stranger = await world.as(
      'doctor',
      'POST',
      booking({ ...mine, patientId: theirs.patientId }, mine),
    );
    expect(stranger.status).toBe(404);
    const calendar = await world.as('doctor', 'POST', booking({ ...mine, doctorId: theirs.doctorId }, mine));
    expect([calendar.status, pointersOf(calendar)]).toEqual([403, ['#/doctorId']]);
    const pair = await world.seedPair(mine);
    const moved = await world.as('doctor', 'POST', {
      path: `/appointments/${pair.appointmentId}/reschedule`,
      body: { doctorId: theirs.doctorId },
    });
    expect([moved.status, pointersOf(moved)]).toEqual([403, ['#/doctorId']]);
    const { rows } = await world.patient.db.query('select from appointments where patient_id = $1', [
      theirs.patientId,
    ]);
    expect(rows).toHaveLength(1);
  });

  test.each<[Role, string]>([
    ['doctor', 'provider'],
    ['patient', 'patient'],
  ])('is cancelled by a %s as %s, and as nobody else', async (role, by) => {
    const pair = await world.seedPair(mine);
    const path = `/appointments/${pair.appointmentId}/cancel`;
    const refused = await world.as(role, 'POST', { path, body: { by: 'organisation' } });
    expect([refused.status, pointersOf(refused)]).toEqual([403, ['#/by']]);
    const cancelled = await world.as(role, 'POST', { path });
    expect(cancelled.json().cancellation).toMatchObject({ by });
  });
});

describe('who cannot be told apart', () => {
  test('another’s patient, appointment and entry answer as one that does not exist', async () => {
    const ask = async (path: string) => {
      const { status, json } = await world.as('patient', 'GET', { path });
      const { instance: _its, ...problem } = json();
      return { status, problem };
    };
    const none = uuidv7();
    for (const pathOf of [
      (id: string) => `/patients/${id === none ? none : theirs.patientId}`,
      (id: string) => `/patients/${id === none ? none : theirs.patientId}/history`,
      (id: string) => `/patients/${mine.patientId}/history/${id === none ? none : theirs.entryId}`,
      (id: string) => `/appointments/${id === none ? none : theirs.appointmentId}`,
      (id: string) => `/appointments/${id === none ? none : theirs.appointmentId}.ics`,
    ]) {
      const [foreign, absent] = [await ask(pathOf('theirs')), await ask(pathOf(none))];
      expect(foreign).toEqual(absent);
      expect(foreign.status).toBe(404);
    }
  });

  test('a key’s first answer is told again only while its caller reaches what it shows', async () => {
    const patientId = await seedPatient(world.patient);
    const pair = await world.seedPair({ patientId, doctorId: mine.doctorId });
    const key = `key-${uuidv7()}`;
    const doctor = await world.tokenOf('doctor');
    const amend = () =>
      fetch(`${world.patient.url}/patients/${patientId}/history/${pair.entryId}/amend`, {
        method: 'POST',
        headers: {
          'idempotency-key': key,
          'content-type': 'application/json',
          authorization: `Bearer ${doctor}`,
        },
        body: '{"description":"clinical text"}',
      });
    expect((await amend()).status).toBe(201);
    expect((await amend()).status).toBe(201);
    await world.patient.db.query(`update appointments set status = 'cancelled' where id = $1`, [
      pair.appointmentId,
    ]);
    expect((await amend()).status).toBe(404);
  });

  test('a subject with another record of its own does not get the answer of the first', async () => {
    const headers = { 'idempotency-key': `key-${uuidv7()}`, 'content-type': 'application/json' };
    const pair = await world.seedPair(mine);
    const body = JSON.stringify({ patientId: mine.patientId, doctorId: mine.doctorId, ...pair.free });
    const book = async (patientId: string) => {
      const token = await world.issuer.sign({ role: 'patient', sub: 'one subject', patient_id: patientId });
      return fetch(`${world.patient.url}/appointments`, {
        method: 'POST',
        headers: { ...headers, authorization: `Bearer ${token}` },
        body,
      });
    };
    expect((await book(mine.patientId)).status).toBe(201);
    expect((await book(theirs.patientId)).status).toBe(404);
  });

  test('a key belongs to its caller: another with the same key books anew', async () => {
    const key = { 'idempotency-key': `key-${uuidv7()}` };
    const book = async (role: Role, body: object) =>
      fetch(`${world.patient.url}/appointments`, {
        method: 'POST',
        headers: {
          ...key,
          'content-type': 'application/json',
          authorization: `Bearer ${await world.tokenOf(role)}`,
        },
        body: JSON.stringify(body),
      });
    const pair = await world.seedPair(mine);
    const body = { patientId: mine.patientId, doctorId: mine.doctorId, ...pair.free };
    expect((await book('patient', body)).status).toBe(201);
    expect((await book('patient', body)).status).toBe(201);
    expect((await book('receptionist', body)).status).toBe(409);
  });
});
