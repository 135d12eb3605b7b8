import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { halfHour, seedPatient } from '../../testing/clinic.ts';
import { eventually } from '../../testing/eventually.ts';
import { type ScriptedDoctor, startScriptedDoctor } from '../../testing/scripted-doctor.ts';
import { startPatient, type TestService } from '../../testing/services.ts';

// A patient service with one connection, which another request has when the doctor service's answer is to be recorded.

let doctor: ScriptedDoctor;
let t: TestService;
beforeEach(async () => {
  doctor = await startScriptedDoctor();
  t = await startPatient({ doctorUrl: doctor.url, settings: { poolMax: 1 } });
});
afterEach(async () => {
  await t.stop();
  await doctor.stop();
});

/** Runs `work` while a request has the service's connection and waits for a lock of the test. */
async function whilePoolExhausted<Result>(work: () => Promise<Result>): Promise<Result> {
  const other = await seedPatient(t);
  await t.db.query('begin');
  try {
    await t.db.query('select from patients where id = $1 for update', [other]);
    t.api.delete(`/patients/${other}`).end(() => undefined);
    await eventually(async () => {
      const { rows } = await t.db.query(
        'select from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))',
      );
      expect(rows).toHaveLength(1);
    });
    return await work();
  } finally {
    await t.db.query('commit');
  }
}

const outcomes = [
  { outcome: 'granted', refuse: undefined, status: 'booked', kept: 201 },
  { outcome: 'refused', refuse: 'outside-working-hours', status: 'rejected', kept: 409 },
] as const;

describe.each(outcomes)('$outcome while no connection is free', ({ refuse, status, kept }) => {
  test.each([
    ['without a key', () => undefined],
    ['with a key', randomUUID],
  ])(
    `202 %s, with Location and Retry-After and the booking as it is stored; then ${status}`,
    async (_how, makeKey) => {
      const request = { patientId: await seedPatient(t), doctorId: uuidv7(), ...halfHour(0), notes: 'Shy' };
      const key = makeKey();
      const book = () => {
        const sent = t.api.post('/appointments');
        return (key === undefined ? sent : sent.set('Idempotency-Key', key)).send(request);
      };
      let decide = (): void => undefined;
      const decided = new Promise<void>((resolve) => {
        decide = resolve;
      });
      doctor.script(() => ({ before: decided, ...(refuse && { refuse }) }));
      const sent = book().then((answer) => answer);
      await eventually(async () => expect(doctor.asked).toHaveLength(1));
      const answer = await whilePoolExhausted(() => {
        decide();
        return sent;
      });
      expect({ status: answer.status, headers: answer.headers, body: answer.body }).toMatchObject({
        status: 202,
        headers: { location: `/appointments/${answer.body.id}`, 'retry-after': '1', etag: '"1"' },
        body: { ...request, status: 'pending', revision: 1, settled: false, version: 1 },
      });

      await t.db.query('update appointments set next_try_at = now() where answered_revision < revision');
      await eventually(async () =>
        expect((await t.api.get(answer.headers.location ?? '')).body).toMatchObject({
          status,
          settled: true,
        }),
      );
      if (key === undefined) return;
      const again = await book();
      expect([again.status, again.body.id ?? again.body.appointmentId]).toEqual([kept, answer.body.id]);
    },
  );
});
