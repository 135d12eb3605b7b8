// Bookings are made while the doctor service is away; when it is back, all of them must be settled within 10 s. Exits with 1 if they
// are not. node --import tsx bench/settle.ts --bookings 5000
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { halfHour, invariantsBroken, seedDoctor, seedPatients } from '../services/testing/clinic.ts';
import { countAnswers, inParallel, openCaller } from '../services/testing/load.ts';
import { startProgram, startSystem } from './system.ts';

const { values } = parseArgs({ options: { bookings: { type: 'string', default: '5000' } } });
const count = Number(values.bookings);
const DOCTORS = 50;
const LIMIT_SECONDS = 10;
/** The longest that a wish waits for its next try. */
const LONGEST_WAIT_MS = 5_000;

const node = [process.execPath, '--import', 'tsx'];
const system = await startSystem({ node, services: 'services' });
try {
  const [patient, doctor] = [{ db: system.patientDb }, { db: system.doctorDb }];
  const doctorIds: string[] = [];
  while (doctorIds.length < DOCTORS) doctorIds.push(await seedDoctor(doctor));
  const patientIds = await seedPatients(patient, DOCTORS);
  await system.doctor.stop();

  const { call, close } = openCaller(`http://127.0.0.1:${system.patient.port}`, 32);
  const answers = await inParallel(32, Array.from({ length: count }), (_, index) => {
    const [patientId, doctorId] = [patientIds[index % DOCTORS], doctorIds[index % DOCTORS]];
    return call('POST', '/appointments', { patientId, doctorId, ...halfHour(Math.floor(index / DOCTORS)) });
  });
  await close();
  console.log(`while the doctor service is away: ${JSON.stringify(countAnswers(answers))}`);
  await sleep(LONGEST_WAIT_MS);

  const back = await startProgram(
    [...node, 'services/doctor/main.ts'],
    { AUTH: 'off', DRAIN_DELAY_MS: '0', DATABASE_URL: system.databaseUrl('doctor') },
    system.doctor.port,
    /"ready/,
  );
  const returned = performance.now();
  let waiting = count;
  while (waiting > 0 && performance.now() - returned < 6 * LIMIT_SECONDS * 1000) {
    const { rows } = await patient.db.query<{ count: number }>(
      'select count(*)::integer from appointments where answered_revision < revision',
    );
    waiting = rows[0]?.count ?? 0;
    await sleep(50);
  }
  const seconds = (performance.now() - returned) / 1000;
  const broken = await invariantsBroken(patient, doctor);
  console.log(`${waiting} of ${count} wait ${seconds.toFixed(1)} s after its return`);
  console.log(`invariants broken: ${broken.length}`);
  await back.stop();
  process.exitCode = waiting === 0 && seconds <= LIMIT_SECONDS && broken.length === 0 ? 0 : 1;
} finally {
  await system.stop();
}
