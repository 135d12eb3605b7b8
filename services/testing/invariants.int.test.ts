import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { halfHour, invariantsBroken, seedWaiting } from './clinic.ts';
import { connectAsOwner, createDatabase, type TestDatabase } from './postgres.ts';

// What races, crashes and fault runs are judged by must see what the databases' own constraints forbid.

const databases: TestDatabase[] = [];
let patient: pg.Client;
let doctor: pg.Client;

beforeAll(async () => {
  databases.push(await createDatabase('patient'), await createDatabase('doctor'));
  const [ofPatient, ofDoctor] = databases as [TestDatabase, TestDatabase];
  patient = await connectAsOwner(ofPatient);
  doctor = await connectAsOwner(ofDoctor);
  await doctor.query('alter table reservations drop constraint reservations_no_overlap');
});
afterEach(async () => {
  await patient.query('truncate appointments, appointment_revisions cascade');
  await doctor.query('truncate reservations');
});
afterAll(async () => {
  await patient.end();
  await doctor.end();
  for (const database of databases) await database.drop();
});

const HALF_HOUR_MS = 1_800_000;

/** Active reservations of one doctor from one half hour to another. */
async function reserve(...times: readonly [from: number, to: number][]): Promise<string[]> {
  const doctorId = uuidv7();
  const ids = times.map(() => uuidv7());
  for (const [index, [from, to]] of times.entries())
    await doctor.query(
      `insert into reservations (appointment_id, revision, state, doctor_id, starts_at, ends_at, during)
       values ($1, 1, 'active', $2, $3::timestamptz, $4::timestamptz, tstzrange($3, $4))`,
      [ids[index], doctorId, halfHour(from).startsAt, halfHour(to).startsAt],
    );
  return ids;
}

/** Appointments of one patient from one half hour to another. */
async function book(...times: readonly [from: number, to: number][]): Promise<string[]> {
  const ids = await seedWaiting({ db: patient }, times.length);
  for (const [index, [from, to]] of times.entries())
    await patient.query('update appointments set starts_at = $2, ends_at = $3 where id = $1', [
      ids[index],
      halfHour(from).startsAt,
      new Date(Date.parse(halfHour(from).startsAt) + (to - from) * HALF_HOUR_MS).toISOString(),
    ]);
  return ids;
}

const overlaps = async () =>
  (await invariantsBroken({ db: patient }, { db: doctor })).filter((what) => what.includes('overlap'));

describe.each([
  ['reservations of a doctor', reserve],
  ['appointments of a patient', book],
])('overlapping %s', (name, put) => {
  const told = (id: string | undefined, other: string | undefined) => [
    `two active ${name} overlap: ${id} and ${other}`,
  ];

  test('are told when they begin at once', async () => {
    const ids = await put([3, 4], [0, 1], [3, 4]);
    const [first, second] = [ids[0], ids[2]].sort();
    expect(await overlaps()).toEqual(told(second, first));
  });

  test('are told when one begins before the other ends', async () => {
    const [late, early] = await put([2, 4], [1, 3], [6, 7]);
    expect(await overlaps()).toEqual(told(late, early));
  });

  test('are told when a long one covers others that do not touch', async () => {
    const [long, first] = await put([0, 9], [1, 2], [5, 6]);
    expect(await overlaps()).toEqual(told(first, long));
  });

  test('are none when each begins as the one before it ends', async () => {
    await put([0, 1], [1, 3], [3, 4]);
    expect(await overlaps()).toEqual([]);
  });

  test('are none when they are of two', async () => {
    await put([0, 2]);
    await put([1, 3]);
    expect(await overlaps()).toEqual([]);
  });
});

test('a cancelled appointment and a released reservation overlap nothing', async () => {
  const [cancelled] = await book([0, 2], [1, 3]);
  const [released] = await reserve([0, 2], [1, 3]);
  await patient.query(`update appointments set status = 'cancelled' where id = $1`, [cancelled]);
  await doctor.query(`update reservations set state = 'released' where appointment_id = $1`, [released]);
  expect(await overlaps()).toEqual([]);
});

describe('a settled appointment', () => {
  const settle = (status: string, id: string | undefined) =>
    patient.query('update appointments set status = $2, answered_revision = revision where id = $1', [
      id,
      status,
    ]);
  const heldWrongly = async () =>
    (await invariantsBroken({ db: patient }, { db: doctor })).filter((what) => what.includes('holds'));
  const told = (id: string | undefined) => [
    `a settled appointment holds another time of its patient, or none: ${id}`,
  ];

  test('is told when it is cancelled and holds time', async () => {
    const [id] = await book([0, 1], [1, 2]);
    await settle('cancelled', id);
    expect(await heldWrongly()).toEqual(told(id));
  });

  test('is told when it is booked and holds none', async () => {
    const [id] = await book([0, 1], [1, 2]);
    await settle('booked', id);
    await patient.query('update appointment_revisions set holds = false where appointment_id = $1', [id]);
    expect(await heldWrongly()).toEqual(told(id));
  });

  test('is told when it holds another time than its own', async () => {
    const [id] = await book([0, 1], [1, 2]);
    await settle('booked', id);
    await patient.query(`update appointments set ends_at = ends_at + interval '5 minutes' where id = $1`, [
      id,
    ]);
    expect(await heldWrongly()).toEqual(told(id));
  });

  test('is not told when it holds its own time, or is cancelled and holds none', async () => {
    const [booked, cancelled] = await book([0, 1], [1, 2]);
    await settle('booked', booked);
    await settle('cancelled', cancelled);
    await patient.query('update appointment_revisions set holds = false where appointment_id = $1', [
      cancelled,
    ]);
    expect(await heldWrongly()).toEqual([]);
  });
});
