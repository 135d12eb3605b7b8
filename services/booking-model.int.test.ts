import { jest } from '@jest/globals';
import fc from 'fast-check';
import { absence, commands, compare, letArrive, type Real, settleAll } from './testing/booking-commands.ts';
import type { Model } from './testing/booking-model.ts';
import { seedPatients } from './testing/clinic.ts';
import { type Caller, openCaller } from './testing/load.ts';
import { type ScriptedDoctor, startScriptedDoctor } from './testing/scripted-doctor.ts';
import { eventually, startPatient, type TestService } from './testing/services.ts';

const TIME_LIMIT_MS = 20_000;
jest.setTimeout(3 * TIME_LIMIT_MS);

/** Of a run that failed: MODEL_SEED repeats it, with the path that the failure tells. */
const seed = Number(process.env.MODEL_SEED ?? Math.trunc(Math.random() * 2 ** 31));

let doctor: ScriptedDoctor;
let patient: TestService;
let caller: Caller;

beforeAll(async () => {
  doctor = await startScriptedDoctor();
  patient = await startPatient({ doctorUrl: doctor.url });
  caller = openCaller(patient.url);
});
afterAll(async () => {
  await caller.close();
  await patient.stop();
  await doctor.stop();
});

/** The services as a run finds them, with patients and doctors of its own. */
async function begin(): Promise<{ model: Model; real: Real }> {
  const twists: Real['twists'] = new Map();
  let isSettling = false;
  const real: Real = {
    call: caller.call,
    doctor,
    patientIds: await seedPatients(patient, 2),
    doctorIds: [crypto.randomUUID(), crypto.randomUUID()],
    twists,
    isAway: false,
    gates: [],
    requests: 0,
    settle: async () => {
      isSettling = true;
      await patient.db.query(
        'update appointments set next_try_at = now() where answered_revision < revision',
      );
      await eventually(async () => {
        const { rowCount } = await patient.db.query(
          'select from appointments where answered_revision < revision',
        );
        if (rowCount !== 0) throw new Error(`${rowCount} appointments are not settled`);
      });
      isSettling = false;
    },
  };
  // The settler gets through only when time passes: so every run does the same as often as it is repeated.
  doctor.script(({ requestId = '' }) => {
    if (real.isAway) return { instead: 'cut' };
    return twists.get(requestId) ?? (isSettling ? undefined : { instead: 'cut' });
  });
  return { model: { appointments: [], answered: [], isAway: false }, real };
}

/** Whatever has happened, when it is over both sides tell what was promised. */
async function heal({ model, real }: { model: Model; real: Real }): Promise<void> {
  for (const command of [absence(false), letArrive, settleAll, compare])
    if (command.check(model)) await command.run(model, real);
}

test(`every order of requests, faults and repetitions ends as promised (seed ${seed})`, async () => {
  const end = performance.now() + TIME_LIMIT_MS;
  let runs = 0;
  const property = fc.asyncProperty(
    fc.commands([commands], { maxCommands: 40, size: 'max' }),
    async (sequence) => {
      // Ends the runs, and the search for a smaller failure.
      if (performance.now() > end) return;
      const started = await begin();
      await fc.asyncModelRun(() => started, sequence);
      await heal(started);
      runs += 1;
    },
  );
  await fc.assert(property, { seed, numRuns: 200 });
  expect(runs).toBeGreaterThan(0);
});
