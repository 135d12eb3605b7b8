import { at, halfHour, invariantsBroken, seedDoctor, seedPatients } from '../../services/testing/clinic.ts';
import { closedLoop, type LoadResult, median, postRequest } from '../load.ts';
import { openLoop, percentile } from '../open-loop.ts';
import type { Bench, Row } from '../row.ts';

const CLIENTS = 32;
/** A doctor has 48 half hours a day, for most of the 90 days of the horizon. */
const SLOTS_OF_DOCTOR = 48 * 80;

const expectOnly = ({ statuses }: LoadResult, allowed: readonly string[]): void => {
  if (Object.keys(statuses).some((status) => !allowed.includes(status)))
    throw new Error(`answers other than ${allowed.join(', ')}: ${JSON.stringify(statuses)}`);
};

async function seedDoctors({ system }: Bench, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) ids.push(await seedDoctor({ db: system.doctorDb }));
  return ids;
}

/** Bookings of free time: the most a closed loop gets, and how long they take at half of that. */
export async function bookings(bench: Bench): Promise<Row[]> {
  const { system, rounds, seconds, progress } = bench;
  const doctorIds = await seedDoctors(bench, 400);
  const patientIds = await seedPatients({ db: system.patientDb }, 20_000);
  await Promise.all([system.patientDb.query('analyze'), system.doctorDb.query('analyze')]);
  let n = 0;
  const next = () => {
    n += 1;
    const slot = Math.floor(n / doctorIds.length);
    if (slot >= SLOTS_OF_DOCTOR) throw new Error('there is no free time left: fewer seconds or more doctors');
    const patientId = patientIds[n % patientIds.length];
    const doctorId = doctorIds[n % doctorIds.length];
    return postRequest('/appointments', { patientId, doctorId, ...halfHour(slot) });
  };
  const { port } = system.patient;
  const most = () => closedLoop({ port, connections: CLIENTS, seconds, next });
  await most();
  const speeds: number[] = [];
  const p99s: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const closed = await most();
    expectOnly(closed, ['201']);
    speeds.push(closed.perSecond);
    const open = await openLoop({ port, perSecond: closed.perSecond / 2, seconds, next });
    expectOnly(open, ['201']);
    p99s.push(percentile(open.latenciesMs, 0.99));
    progress(`round ${round} of ${rounds}`);
  }
  const broken = await invariantsBroken({ db: system.patientDb }, { db: system.doctorDb });
  return [
    { row: `bookings, ${CLIENTS} clients, a second`, measured: median(speeds), atLeast: 1_000 },
    { row: 'bookings at half of it, open loop, p99 ms', measured: median(p99s), atMost: 60 },
    { row: 'bookings: invariants broken', measured: broken.length, atMost: 0 },
  ];
}

/** Everybody wants the same three doctors on the same day. */
export async function hotDoctor(bench: Bench): Promise<Row[]> {
  const { system, rounds, seconds, progress } = bench;
  const doctorIds = await seedDoctors(bench, 3 * (rounds + 1));
  const patientIds = await seedPatients({ db: system.patientDb }, 20_000);
  const deadlocks = async (): Promise<number> => {
    const counts = [system.patientDb, system.doctorDb].map(async (db) => {
      const { rows } = await db.query<{ deadlocks: number }>(
        'select deadlocks::integer from pg_stat_database where datname = current_database()',
      );
      return rows[0]?.deadlocks ?? 0;
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  };
  const before = await deadlocks();
  const attempts = async (round: number): Promise<number> => {
    let n = 0;
    const next = () => {
      n += 1;
      const [hour, half] = [Math.floor(Math.random() * 24), Math.random() < 0.5 ? '00' : '30'];
      return postRequest('/appointments', {
        patientId: patientIds[(round * 7_919 + n) % patientIds.length],
        doctorId: doctorIds[3 * round + (n % 3)],
        startsAt: at(3 + round, `${String(hour).padStart(2, '0')}:${half}`),
        durationMinutes: 30,
      });
    };
    const result = await closedLoop({ port: system.patient.port, connections: CLIENTS, seconds, next });
    expectOnly(result, ['201', '409']);
    return result.perSecond;
  };
  await attempts(0);
  const speeds: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    speeds.push(await attempts(round));
    progress(`round ${round} of ${rounds}`);
  }
  return [
    { row: `hot doctor, ${CLIENTS} clients, attempts a second`, measured: median(speeds), atLeast: 1_000 },
    { row: 'hot doctor: deadlocks', measured: (await deadlocks()) - before, atMost: 0 },
  ];
}
