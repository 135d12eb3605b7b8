import { v7 as uuidv7 } from 'uuid';
import { problemOf, whileLocked } from '../../testing/calendar.ts';
import { at, seedPatient } from '../../testing/clinic.ts';
import { eventually, startPatient, type TestService } from '../../testing/services.ts';

// What makes an appointment one to come again, against the deletion of its patient: never both.

let t: TestService;
let patientId: string;
beforeAll(async () => {
  t = await startPatient();
});
beforeEach(async () => {
  patientId = await seedPatient(t);
});
afterAll(() => t.stop());

interface Appointment {
  status: 'booked' | 'noshow';
  /** From now, in minutes. */
  startsIn: number;
}

/** A settled appointment of half an hour, made behind the API: some states need a clock that has moved on. */
async function seedAppointment({ status, startsIn }: Appointment): Promise<string> {
  const id = uuidv7();
  await t.db.query(
    `insert into appointments (id, patient_id, doctor_id, starts_at, ends_at, status, previous_statuses, answered_revision, next_try_at)
     values ($1, $2, gen_random_uuid(), now() + make_interval(mins => $3), now() + make_interval(mins => $3 + 30), $4,
             case when $4 = 'noshow' then array['booked'] else '{}' end, 1, now())`,
    [id, patientId, startsIn, status],
  );
  return id;
}

const deletion = () => t.api.delete(`/patients/${patientId}`);

const cases = [
  {
    action: 'undo',
    of: 'a no-show to come',
    seed: { status: 'noshow', startsIn: 60 },
    body: {},
    done: 200,
    // What its transaction writes last, after everything about the appointment.
    writesTo: 'idempotency_keys',
  },
  {
    action: 'reschedule',
    of: 'a booked visit whose end has passed',
    seed: { status: 'booked', startsIn: -60 },
    body: { startsAt: at(2) },
    // Nobody answers for the doctor.
    done: 202,
    writesTo: 'appointment_revisions',
  },
] as const;

describe.each(cases)('$action of $of', ({ action, seed, body, done, writesTo }) => {
  const act = async () => {
    const id = await seedAppointment(seed);
    return () =>
      t.api.post(`/appointments/${id}/${action}`).set('Idempotency-Key', `${action} ${id}`).send(body);
  };

  test('404 while the patient is being deleted: it waits for the deletion', async () => {
    const lock = `select from patients where id = '${patientId}' for update;
                  update patients set deleted_at = now() where id = '${patientId}'`;
    const [answer] = await whileLocked(t, lock, [await act()]);
    expect(answer?.body.type).toBe('urn:problem-type:not-found');
    expect(answer?.status).toBe(404);
  });

  test(`${done}, and the deletion waits for it: 409 has-upcoming-appointments`, async () => {
    const [acted, deleted] = await oneAfterTheOther(
      `lock table ${writesTo} in share mode`,
      await act(),
      deletion,
    );
    expect([acted.status, problemOf(deleted)]).toEqual([done, '409 has-upcoming-appointments']);
  });

  test('one of the two when they come at once, never both', async () => {
    for (let round = 0; round < 20; round += 1) {
      patientId = await seedPatient(t);
      const send = await act();
      const statuses = (await Promise.all([send(), deletion()])).map(({ status }) => status);
      expect([
        [done, 409],
        [404, 204],
      ]).toContainEqual(statuses);
    }
  });
});

test.each([
  {
    what: 'a booking',
    path: () => '/appointments',
    body: () => ({ patientId, doctorId: uuidv7(), startsAt: at(2), durationMinutes: 30 }),
  },
  {
    what: 'an entry of the history',
    path: () => `/patients/${patientId}/history`,
    body: () => ({ kind: 'note', description: 'Seen', occurredAt: '2026' }),
  },
])('$what: 404 while the patient is being deleted; it waits for the deletion', async ({ path, body }) => {
  const lock = `select from patients where id = '${patientId}' for update;
                update patients set deleted_at = now() where id = '${patientId}'`;
  const [answer] = await whileLocked(t, lock, [() => t.api.post(path()).send(body())]);
  expect(answer && problemOf(answer)).toBe('404 not-found');
});

type Send<Answer> = () => PromiseLike<Answer>;

/** Sends a request that the test's lock holds up, and then another one that has to wait for the first. */
async function oneAfterTheOther<First, Second>(
  lock: string,
  first: Send<First>,
  second: Send<Second>,
): Promise<[First, Second]> {
  const waiting = (count: number) =>
    eventually(async () => {
      // Within a transaction PostgreSQL would show the same connections again and again.
      await t.db.query('select pg_stat_clear_snapshot()');
      const { rows } = await t.db.query(
        `select from pg_locks where not granted and pid in (select pid from pg_stat_activity where datname = current_database())`,
      );
      expect(rows).toHaveLength(count);
    });
  const answers: [Promise<First>?, Promise<Second>?] = [];
  await t.db.query('begin');
  try {
    await t.db.query(lock);
    answers[0] = Promise.resolve(first());
    await waiting(1);
    answers[1] = Promise.resolve(second());
    await waiting(2);
  } finally {
    await t.db.query('commit');
  }
  return (await Promise.all(answers)) as [First, Second];
}
