import { v7 as uuidv7 } from 'uuid';
import { at, seedDoctor } from '../../testing/clinic.ts';
import { startDoctor, type TestService } from '../../testing/services.ts';

let doctor: TestService;
let doctorId: string;

beforeAll(async () => {
  doctor = await startDoctor();
});
beforeEach(async () => {
  doctorId = await seedDoctor(doctor, { from: '08:00', to: '17:00', horizonDays: 30 });
});
afterAll(() => doctor.stop());

interface Wanted {
  doctorId?: string;
  startsAt?: string;
  endsAt?: string;
  revision?: number;
}

const put = (id: string, wanted: Wanted = {}) =>
  doctor.api
    .put(`/reservations/${id}`)
    .send({ doctorId, startsAt: at(2, '09:00'), endsAt: at(2, '09:30'), revision: 1, ...wanted });
const release = (id: string, revision: number) =>
  doctor.api.delete(`/reservations/${id}?revision=${revision}`);
const read = async (id: string) => (await doctor.api.get(`/reservations/${id}`)).body;

/** A visit of half an hour, or until another time of the same day. */
const visit = (from: string, to?: string, day = 2) => {
  const startsAt = at(day, from);
  const endsAt = to === undefined ? new Date(Date.parse(startsAt) + 1_800_000).toISOString() : at(day, to);
  return { startsAt, endsAt };
};

const refused = (reason: string) => ({
  status: 409,
  body: expect.objectContaining({ type: `urn:problem-type:${reason}` }),
});

describe('PUT /reservations/{appointmentId}', () => {
  test('201 the first time and 200 again, with the reservation', async () => {
    const id = uuidv7();
    const reservation = { appointmentId: id, revision: 1, state: 'active', doctorId, ...visit('09:00') };
    expect(await put(id)).toMatchObject({ status: 201, body: reservation });
    expect(await put(id)).toMatchObject({ status: 200, body: reservation });
    expect(await read(id)).toEqual(reservation);
  });

  test('200 again for the same content in other words', async () => {
    const id = uuidv7();
    await put(id);
    const inOtherWords = {
      doctorId: doctorId.toUpperCase(),
      startsAt: visit('11:00').startsAt.replace('.000Z', '+02:00'),
      endsAt: visit('09:30').startsAt.replace('.000Z', '-00:00'),
    };
    expect((await put(id.toUpperCase(), inOtherWords)).status).toBe(200);
  });

  test('200 again whatever the schedule has become: a revision is judged once', async () => {
    const id = uuidv7();
    await put(id);
    await doctor.db.query(`update schedules set weekly_hours = '[]' where doctor_id = $1`, [doctorId]);
    expect((await put(id)).status).toBe(200);
    expect(await put(uuidv7())).toMatchObject(refused('outside-working-hours'));
  });

  test('409 with the same refusal again, though the time is free meanwhile', async () => {
    const [holder, late] = [uuidv7(), uuidv7()];
    await put(holder);
    expect(await put(late)).toMatchObject(refused('slot-taken'));
    await release(holder, 2);
    expect(await put(late)).toMatchObject(refused('slot-taken'));
    expect(await read(late)).toMatchObject({ revision: 1, state: 'refused', reason: 'slot-taken', doctorId });
    expect((await put(uuidv7())).status).toBe(201);
  });

  test('409 slot-taken however long ago the time was reserved: no reservation ends by itself', async () => {
    const id = uuidv7();
    await put(id);
    await doctor.db.query(
      `update reservations set created_at = created_at - interval '60 days', updated_at = updated_at - interval '60 days'`,
    );
    expect(await put(uuidv7())).toMatchObject(refused('slot-taken'));
    expect(await read(id)).toMatchObject({ state: 'active' });
  });

  test('409 superseded for a revision older than the newest', async () => {
    const id = uuidv7();
    await put(id, { revision: 2 });
    expect(await put(id, { revision: 1 })).toMatchObject(refused('superseded'));
    expect(await read(id)).toMatchObject({ revision: 2, state: 'active' });
  });

  test('409 superseded after a release that came first, and nothing is taken', async () => {
    const id = uuidv7();
    await release(id, 2);
    expect(await put(id)).toMatchObject(refused('superseded'));
    expect((await put(uuidv7())).status).toBe(201);
  });

  test('409 revision-mismatch for the same revision with another doctor, start, end or after a release', async () => {
    const [id, released] = [uuidv7(), uuidv7()];
    await put(id);
    expect(await put(id, { doctorId: uuidv7() })).toMatchObject(refused('revision-mismatch'));
    expect(await put(id, { startsAt: at(2, '08:30') })).toMatchObject(refused('revision-mismatch'));
    expect(await put(id, { endsAt: at(2, '10:00') })).toMatchObject(refused('revision-mismatch'));
    await release(released, 1);
    expect(await put(released)).toMatchObject(refused('revision-mismatch'));
  });

  test('422 names every invalid member', async () => {
    const { status, body } = await doctor.api
      .put(`/reservations/${uuidv7()}`)
      .send({ doctorId: 'x', startsAt: '2030-01-01T09:00:00', revision: 0, patientId: uuidv7() });
    expect(status).toBe(422);
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      '#/doctorId',
      '#/endsAt',
      '#/patientId',
      '#/revision',
      '#/startsAt',
    ]);
  });

  test('422 for a time that ends when it starts, or after more than 12 hours', async () => {
    for (const endsAt of [at(2, '09:00'), at(2, '21:01')]) {
      const { status, body } = await put(uuidv7(), { endsAt });
      expect(status).toBe(422);
      expect(body.errors).toEqual([
        { pointer: '#/endsAt', detail: 'must be after startsAt, by 720 minutes at most' },
      ]);
    }
  });

  test('404 for an appointment id that is no UUID', async () => {
    expect((await put('17')).status).toBe(404);
  });
});

describe('the next revision', () => {
  test('201 for a time that overlaps its own; what it leaves is free', async () => {
    const id = uuidv7();
    await put(id, visit('09:00', '10:00'));
    expect((await put(id, { revision: 2, ...visit('09:30', '10:30') })).status).toBe(201);
    expect(await read(id)).toMatchObject({ revision: 2, state: 'active', ...visit('09:30', '10:30') });
    expect((await put(uuidv7(), visit('09:00'))).status).toBe(201);
    expect(await put(uuidv7(), visit('10:00'))).toMatchObject(refused('slot-taken'));
  });

  test('201 with another doctor; the first one is free', async () => {
    const id = uuidv7();
    const other = await seedDoctor(doctor);
    await put(id);
    expect((await put(id, { revision: 2, doctorId: other })).status).toBe(201);
    expect((await put(uuidv7())).status).toBe(201);
    expect(await put(uuidv7(), { doctorId: other })).toMatchObject(refused('slot-taken'));
  });

  test.each([
    ['slot-taken', () => visit('10:00')],
    ['outside-working-hours', () => visit('18:00')],
  ])('409 %s keeps the present time', async (reason, wanted) => {
    const id = uuidv7();
    await put(uuidv7(), visit('10:00'));
    await put(id);
    expect(await put(id, { revision: 2, ...wanted() })).toMatchObject(refused(reason));
    expect(await read(id)).toMatchObject({
      revision: 2,
      state: 'refused',
      reason,
      active: { revision: 1, state: 'active', ...visit('09:00') },
    });
    expect(await put(uuidv7())).toMatchObject(refused('slot-taken'));
    expect((await put(id, { revision: 3, ...visit('11:00') })).status).toBe(201);
    expect((await put(uuidv7())).status).toBe(201);
  });
});

describe('DELETE /reservations/{appointmentId}', () => {
  test('204, and again; the time is free', async () => {
    const id = uuidv7();
    await put(id);
    expect(await release(id, 2)).toMatchObject({ status: 204, text: '' });
    expect((await release(id, 2)).status).toBe(204);
    expect(await read(id)).toEqual({ appointmentId: id, revision: 2, state: 'released' });
    expect((await put(uuidv7())).status).toBe(201);
  });

  test('204 for an unknown id, which is remembered', async () => {
    const id = uuidv7();
    expect((await release(id, 5)).status).toBe(204);
    expect(await read(id)).toEqual({ appointmentId: id, revision: 5, state: 'released' });
  });

  test('204 frees the time that a refused revision has left in place', async () => {
    const id = uuidv7();
    await put(uuidv7(), visit('10:00'));
    await put(id);
    await put(id, { revision: 2, ...visit('10:00') });
    expect((await release(id, 3)).status).toBe(204);
    expect((await put(uuidv7())).status).toBe(201);
  });

  test('409 superseded for a revision older than the newest, which keeps its time', async () => {
    const id = uuidv7();
    await put(id, { revision: 3 });
    expect(await release(id, 2)).toMatchObject(refused('superseded'));
    expect(await read(id)).toMatchObject({ revision: 3, state: 'active' });
  });

  test('409 revision-mismatch for a revision that was a reservation or a refusal', async () => {
    const [id, late] = [uuidv7(), uuidv7()];
    await put(id);
    await put(late);
    expect(await release(id, 1)).toMatchObject(refused('revision-mismatch'));
    expect(await release(late, 1)).toMatchObject(refused('revision-mismatch'));
    expect(await read(id)).toMatchObject({ revision: 1, state: 'active' });
  });

  test.each([
    '',
    '?revision=',
    '?revision=0',
    '?revision=1.5',
    '?revision=1&revision=2',
    '?revision=1&force=1',
  ])('422 for %p', async (query) => {
    const { status, body } = await doctor.api.delete(`/reservations/${uuidv7()}${query}`);
    expect({ status, type: body.type }).toEqual({ status: 422, type: 'urn:problem-type:invalid-request' });
    expect(body.errors).toEqual([
      { parameter: query.includes('force') ? 'force' : 'revision', detail: expect.any(String) },
    ]);
  });
});

describe('GET /reservations/{appointmentId}', () => {
  test('404 when no revision has arrived, and for an id that is no UUID', async () => {
    expect((await doctor.api.get(`/reservations/${uuidv7()}`)).status).toBe(404);
    expect((await doctor.api.get('/reservations/17')).status).toBe(404);
  });
});
