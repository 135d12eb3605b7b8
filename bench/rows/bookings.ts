import { at, halfHour, invariantsBroken } from '../../services/testing/clinic.ts';
import { closedLoop, median, postRequest } from '../load.ts';
import { openLoop, percentile } from '../open-loop.ts';
import type { Bench, Measurement, Sized } from '../row.ts';
import { expectOnly, waitsMs } from '../sample.ts';
import { cpuMicroseconds, serverCpuMicroseconds } from '../system.ts';

const CLIENTS = 32;
/** A doctor has 48 half hours a day, for most of the 90 days of the horizon. */
const SLOTS_OF_DOCTOR = 48 * 80;

/** Requests for free time: no two want the same of a doctor or of a patient. */
function freeTime({ patientIds, doctorIds }: Sized['data']): () => string {
  let n = 0;
  return () => {
    n += 1;
    const slot = Math.floor(n / doctorIds.length);
    if (slot >= SLOTS_OF_DOCTOR) throw new Error('there is no free time left: fewer seconds or more doctors');
    const patientId = patientIds[n % patientIds.length];
    const doctorId = doctorIds[n % doctorIds.length];
    return postRequest('/appointments', { patientId, doctorId, ...halfHour(slot) });
  };
}

const invariantsOf = async ({ system }: Sized): Promise<number> =>
  (await invariantsBroken({ db: system.patientDb }, { db: system.doctorDb })).length;

interface Usage {
  patient: number;
  doctor: number;
  databases: number;
  patientBytes: number;
  doctorBytes: number;
}

/** What has been used until now: CPU in microseconds, and the size of both databases. */
async function usage({ system }: Sized): Promise<Usage> {
  const { patient, doctor, patientDb, doctorDb } = system;
  const sizeOf = async (db: typeof patientDb): Promise<number> => {
    const { rows } = await db.query<{ bytes: string }>(
      'select pg_database_size(current_database()) as bytes',
    );
    return Number(rows[0]?.bytes);
  };
  return {
    patient: await cpuMicroseconds(patient.pid),
    doctor: await cpuMicroseconds(doctor.pid),
    databases: await serverCpuMicroseconds(patientDb),
    patientBytes: await sizeOf(patientDb),
    doctorBytes: await sizeOf(doctorDb),
  };
}

/** Bookings of free time: the most that a closed loop gets, and how long they take at half of that. */
export async function bookings({ sized, rounds, seconds, progress }: Bench): Promise<Measurement> {
  const each = sized.map((one) => ({
    port: one.system.patient.port,
    next: freeTime(one.data),
    speeds: [] as number[],
    p99s: [] as number[],
  }));
  for (const { port, next } of each) await closedLoop({ port, connections: CLIENTS, seconds, next });
  const [, one] = sized;
  const before = await usage(one);
  let booked = 0;
  let others = 0;
  for (let round = 1; round <= rounds; round += 1) {
    for (const { port, next, speeds, p99s } of each) {
      const closed = await closedLoop({ port, connections: CLIENTS, seconds, next });
      expectOnly(closed, ['201', '202', '503']);
      const perSecond = (closed.statuses[201] ?? 0) / closed.seconds;
      speeds.push(perSecond);
      const open = await openLoop({ port, perSecond: perSecond / 2, seconds, next });
      expectOnly(open, ['201', '202', '503']);
      p99s.push(percentile(waitsMs(open, '201'), 0.99));
      const made = (closed.statuses[201] ?? 0) + (open.statuses[201] ?? 0);
      others += closed.latenciesMs.length + open.latenciesMs.length - made;
      if (next === each[1]?.next) booked += made;
    }
    progress(`round ${round} of ${rounds}`);
  }
  const speeds = each.map((one) => median(one.speeds));
  const p99s = each.map((one) => median(one.p99s));
  const [, middle = 0, large = 0] = speeds;
  const after = await usage(one);
  const perBooking = (what: keyof Usage) => (after[what] - before[what]) / booked;
  const cost = `per booking: CPU of the patient service ${perBooking('patient').toFixed(0)} µs, of the doctor service ${perBooking('doctor').toFixed(0)} µs, of both databases ${perBooking('databases').toFixed(0)} µs; ${perBooking('patientBytes').toFixed(0)} bytes more in the patient database, ${perBooking('doctorBytes').toFixed(0)} in the doctor's`;
  const broken = (await Promise.all(sized.map(invariantsOf))).reduce((sum, count) => sum + count, 0);
  return {
    rows: [
      { row: `bookings a second, ${CLIENTS} clients`, measured: middle, atLeast: 1_000, of: cost },
      {
        row: 'bookings at half of it, open loop, p99 in ms',
        measured: p99s[1] ?? 0,
        atMost: 60,
        of: `${others} answers of all were 202 or 503, which count as none`,
      },
      { row: 'bookings: time each, ten times the data ÷ this', measured: middle / large, atMost: 1.3 },
      { row: 'bookings: invariants broken', measured: broken, atMost: 0 },
    ],
    growth: [
      { what: 'bookings', unit: 'a second', values: speeds },
      { what: 'bookings at half of the maximum, p99', unit: 'ms', values: p99s },
    ],
  };
}

/** Everybody wants the same three doctors on the same day. */
export async function hotDoctor({ sized, rounds, seconds, progress }: Bench): Promise<Measurement> {
  const [, one] = sized;
  const { patientIds, doctorIds } = one.data;
  const deadlocks = async (): Promise<number> => {
    let sum = 0;
    for (const db of [one.system.patientDb, one.system.doctorDb]) {
      const { rows } = await db.query<{ deadlocks: number }>(
        'select deadlocks::integer from pg_stat_database where datname = current_database()',
      );
      sum += rows[0]?.deadlocks ?? 0;
    }
    return sum;
  };
  let booked = 0;
  const attempts = async (round: number): Promise<number> => {
    let n = 0;
    const next = () => {
      n += 1;
      const [hour, half] = [Math.floor(Math.random() * 24), Math.random() < 0.5 ? '00' : '30'];
      return postRequest('/appointments', {
        patientId: patientIds[(round * 7_919 + n) % patientIds.length],
        // Beyond the days that bookings of free time may have reached.
        doctorId: doctorIds[doctorIds.length - 1 - (n % 3)],
        startsAt: at(70 + round, `${String(hour).padStart(2, '0')}:${half}`),
        durationMinutes: 30,
      });
    };
    const result = await closedLoop({ port: one.system.patient.port, connections: CLIENTS, seconds, next });
    expectOnly(result, ['201', '409']);
    booked += result.statuses[201] ?? 0;
    return result.perSecond;
  };
  const before = await deadlocks();
  const speeds: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const speed = await attempts(round);
    if (round > 0) speeds.push(speed);
    progress(round === 0 ? 'warm' : `round ${round} of ${rounds}`);
  }
  // A connection reports its own at the latest a second after its transaction.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  return {
    rows: [
      {
        row: `hot doctor: attempts a second, ${CLIENTS} clients`,
        measured: median(speeds),
        atLeast: 1_000,
        of: `3 doctors, one day; ${booked} of ${(rounds + 1) * 144} times booked`,
      },
      { row: 'hot doctor: deadlocks', measured: (await deadlocks()) - before, atMost: 0 },
      { row: 'hot doctor: invariants broken', measured: await invariantsOf(one), atMost: 0 },
    ],
  };
}
