import { v7 as uuidv7 } from 'uuid';
import { MAX_PENDING } from './patient/appointments/appointment.ts';
import { send, startWorld, type World } from './testing/access-world.ts';
import { halfHour } from './testing/clinic.ts';

describe('requests of one subject', () => {
  const PER_SECOND = 3;
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ requestsPerSecond: PER_SECOND });
  });
  afterAll(() => world?.stop());

  test('429 too-many-requests with Retry-After, for this subject alone', async () => {
    const token = await world.tokenOf('receptionist');
    const answers = await Promise.all(
      Array.from({ length: 3 * PER_SECOND }, () => send(world.patient, 'GET', { path: '/patients' }, token)),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.json()).toMatchObject({ type: 'urn:problem-type:too-many-requests' });
    const { headers } = await fetch(`${world.patient.url}/patients`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(Number(headers.get('retry-after') ?? 1)).toBeGreaterThanOrEqual(1);
    const other = await send(world.patient, 'GET', { path: '/patients' }, await world.tokenOf('admin'));
    expect(other.status).toBe(200);
  });

  test('are not limited where the other service asks', async () => {
    const token = await world.tokenOf('service');
    const path = `/reservations/${uuidv7()}`;
    const answers = await Promise.all(
      Array.from({ length: 4 * PER_SECOND }, () => send(world.doctor, 'GET', { path }, token)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
  });
});

describe('bookings of one patient that wait for their answer', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
    // Nobody answers from here on.
    await world.doctor.stop();
  });
  afterAll(() => world?.stop());

  test('429 too-many-requests for one more than may wait, and 202 again when one has its answer', async () => {
    const { patientId, doctorId } = world.mine;
    const token = await world.tokenOf('patient');
    const book = async (n: number, key = uuidv7()) =>
      fetch(`${world.patient.url}/appointments`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'idempotency-key': key,
        },
        body: JSON.stringify({ patientId, doctorId, ...halfHour(100 + n) }),
      });
    for (let n = 0; n < MAX_PENDING; n += 1) expect((await book(n)).status).toBe(202);
    const key = uuidv7();
    const refused = await book(MAX_PENDING, key);
    expect([refused.status, await refused.json()]).toEqual([
      429,
      expect.objectContaining({ type: 'urn:problem-type:too-many-requests' }),
    ]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);

    // Cancelling does not help: the doctor's time is still to be given back.
    const { rows } = await world.patient.db.query(
      `select id from appointments where patient_id = $1 and status = 'pending' limit 1`,
      [patientId],
    );
    const cancelled = await send(
      world.patient,
      'POST',
      { path: `/appointments/${rows[0].id}/cancel` },
      token,
    );
    expect(cancelled.status).toBe(200);
    expect((await book(MAX_PENDING)).status).toBe(429);
    await world.patient.db.query('update appointments set answered_revision = revision where id = $1', [
      rows[0].id,
    ]);
    // The key was forgotten with the refusal.
    expect((await book(MAX_PENDING, key)).status).toBe(202);
  });
});
