// Clients race for slots through both services, on a PostgreSQL of its own: each slot must be booked exactly once, everybody else be
// told slot-taken, and nothing else happen. Exits with 1 if it does.
// node --import tsx bench/race.ts --slots 1000 --clients 64
import { parseArgs } from 'node:util';
import { halfHour, invariantsBroken, seedDoctor, seedPatients } from '../services/testing/clinic.ts';
import { countDeadlocks } from '../services/testing/deadlocks.ts';
import { countAnswers, inParallel, openCaller } from '../services/testing/load.ts';
import { startSystem } from './system.ts';

const { values } = parseArgs({
  options: {
    slots: { type: 'string', default: '1000' },
    clients: { type: 'string', default: '64' },
    minutes: { type: 'string', default: '15' },
  },
});
const [slots, clients, minutes] = [Number(values.slots), Number(values.clients), Number(values.minutes)];
/** A doctor's horizon of 90 days has no more half hours. */
const SLOTS_OF_DOCTOR = 4_000;
const SHOWN = 5;

const system = await startSystem({ node: [process.execPath, '--import', 'tsx'], services: 'services' });
try {
  const [patient, doctor] = [{ db: system.patientDb }, { db: system.doctorDb }];
  const doctorIds: string[] = [];
  while (doctorIds.length * SLOTS_OF_DOCTOR < slots) doctorIds.push(await seedDoctor(doctor));
  const patientIds = await seedPatients(patient, clients);
  const bookings = Array.from({ length: slots }, (_, slot) => {
    const doctorId = doctorIds[Math.floor(slot / SLOTS_OF_DOCTOR)];
    return patientIds.map((patientId) => ({ patientId, doctorId, ...halfHour(slot % SLOTS_OF_DOCTOR) }));
  }).flat();

  console.log(`${slots} slots × ${clients} clients, at most ${minutes} minutes`);
  const { call, close } = openCaller(`http://127.0.0.1:${system.patient.port}`, clients);
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const answers = await inParallel(clients, bookings, (booking) => {
    if (seconds() > minutes * 60) throw new Error(`not done after ${minutes} minutes`);
    return call('POST', '/appointments', booking);
  });
  const took = seconds();
  await close();

  const counts = countAnswers(answers);
  for (const [answer, count] of Object.entries(counts)) console.log(`${answer.padEnd(16)} ${count}`);
  const broken = await invariantsBroken(patient, doctor);
  console.log(`invariants broken: ${[broken.length, ...broken.slice(0, SHOWN)].join('\n  ')}`);
  await system.patient.stop();
  await system.doctor.stop();
  const deadlocks = (await countDeadlocks(patient.db)) + (await countDeadlocks(doctor.db));
  console.log(`deadlocks: ${deadlocks}`);
  console.log(`${took.toFixed(1)} s, ${(bookings.length / took).toFixed(0)} requests a second`);

  const { 201: booked, '409 slot-taken': taken = 0, ...others } = counts;
  const isExact = booked === slots && taken === slots * (clients - 1) && Object.keys(others).length === 0;
  const isGood = isExact && broken.length === 0 && deadlocks === 0;
  console.log(isGood ? 'good: each slot was booked exactly once' : 'NOT GOOD');
  process.exitCode = isGood ? 0 : 1;
} finally {
  await system.stop();
}
