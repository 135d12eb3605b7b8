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

/** A visit of half an hour, or until another time of the same day. */
const visit = (from: string, to?: string, day = 2) => {
  const startsAt = at(day, from);
  const endsAt = to === undefined ? new Date(Date.parse(startsAt) + 1_800_000).toISOString() : at(day, to);
  return { startsAt, endsAt };
};
const put = (id: string, wanted: object = {}) =>
  doctor.api.put(`/reservations/${id}`).send({ doctorId, ...visit('09:00'), revision: 1, ...wanted });

const refused = (reason: string) => ({
  status: 409,
  body: expect.objectContaining({ type: `urn:problem-type:${reason}` }),
});

describe('of several reasons the first decides', () => {
  // Each time also has every reason after its own, as far as one can have both.
  const offGrid = { startsAt: at(2, '09:10'), endsAt: at(2, '09:40') };

  test('unknown-doctor, whatever the time', async () => {
    await doctor.db.query('update doctors set deleted_at = now() where id = $1', [doctorId]);
    expect(await put(uuidv7(), visit('06:10', undefined, -1))).toMatchObject(refused('unknown-doctor'));
    expect(await put(uuidv7(), { doctorId: uuidv7() })).toMatchObject(refused('unknown-doctor'));
  });

  test('too-soon before outside-working-hours, also without a schedule', async () => {
    const idle = await seedDoctor(doctor, null);
    expect(await put(uuidv7(), visit('06:10', undefined, -1))).toMatchObject(refused('too-soon'));
    expect(await put(uuidv7(), { doctorId: idle, ...visit('06:10', undefined, -1) })).toMatchObject(
      refused('too-soon'),
    );
    expect(await put(uuidv7(), { doctorId: idle })).toMatchObject(refused('outside-working-hours'));
  });

  test('too-soon within the notice, before beyond-horizon', async () => {
    const slow = await seedDoctor(doctor, { minimumNoticeMinutes: 5 * 1440, horizonDays: 1 });
    expect(await put(uuidv7(), { doctorId: slow, ...visit('09:10', undefined, 3) })).toMatchObject(
      refused('too-soon'),
    );
    expect(await put(uuidv7(), { doctorId: slow, ...visit('09:10', undefined, 7) })).toMatchObject(
      refused('beyond-horizon'),
    );
  });

  test('beyond-horizon before outside-working-hours; the last day still counts', async () => {
    expect(await put(uuidv7(), visit('06:10', undefined, 31))).toMatchObject(refused('beyond-horizon'));
    expect((await put(uuidv7(), visit('16:30', undefined, 30))).status).toBe(201);
  });

  test('outside-working-hours before not-on-slot-grid, also when only the end is outside', async () => {
    expect(await put(uuidv7(), visit('07:40'))).toMatchObject(refused('outside-working-hours'));
    expect(await put(uuidv7(), visit('16:40'))).toMatchObject(refused('outside-working-hours'));
    expect(await put(uuidv7(), visit('16:30', '17:30'))).toMatchObject(refused('outside-working-hours'));
  });

  test('not-on-slot-grid before slot-taken', async () => {
    await put(uuidv7());
    expect(await put(uuidv7(), offGrid)).toMatchObject(refused('not-on-slot-grid'));
    expect(await put(uuidv7(), visit('09:00', '10:30'))).toMatchObject(refused('slot-taken'));
  });
});

describe('the buffer', () => {
  beforeEach(async () => {
    doctorId = await seedDoctor(doctor, { from: '08:00', to: '17:00', bufferMinutes: 15 });
    await put(uuidv7(), visit('12:00'));
  });

  test('is kept free on either side of a visit', async () => {
    expect(await put(uuidv7(), visit('11:30'))).toMatchObject(refused('slot-taken'));
    expect(await put(uuidv7(), visit('12:30'))).toMatchObject(refused('slot-taken'));
    expect((await put(uuidv7(), visit('11:00'))).status).toBe(201);
    expect((await put(uuidv7(), visit('13:00'))).status).toBe(201);
  });

  test('may run past closing time', async () => {
    expect((await put(uuidv7(), visit('16:30'))).status).toBe(201);
  });

  test('stays as it was when the time was reserved', async () => {
    await doctor.db.query('update schedules set buffer_minutes = 0 where doctor_id = $1', [doctorId]);
    expect(await put(uuidv7(), visit('12:30'))).toMatchObject(refused('slot-taken'));
    expect((await put(uuidv7(), visit('11:30'))).status).toBe(201);
  });
});
