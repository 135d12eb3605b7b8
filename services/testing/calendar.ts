import { v7 as uuidv7 } from 'uuid';
import { eventually, type TestService } from './services.ts';

type Members = Readonly<Record<string, unknown>>;

const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

/** The body of a doctor, with members in place of its own; `undefined` leaves one out. */
export const aDoctor = (members: Members = {}): Record<string, unknown> => ({
  givenName: 'Ada',
  familyName: 'Example',
  specialties: ['General practice'],
  timeZone: 'UTC',
  ...members,
});

/** The body of a schedule: every day from 09:00 to 17:00 unless told otherwise. */
export const aSchedule = (members: Members = {}): Record<string, unknown> => ({
  weeklyHours: everyDay('09:00', '17:00'),
  ...members,
});

export const everyDay = (from: string, to: string) => WEEKDAYS.map((weekday) => ({ weekday, from, to }));

/** Adds a doctor through the API, with a schedule if one is given. */
export async function addDoctor(
  { api }: TestService,
  members: Members = {},
  schedule?: Members,
): Promise<string> {
  const { body } = await api.post('/doctors').send(aDoctor(members)).expect(201);
  if (schedule !== undefined) await api.put(`/doctors/${body.id}/schedule`).send(schedule).expect(201);
  return body.id;
}

/** The names on one page of doctors. */
export async function doctorNames({ api }: TestService, query: string): Promise<string[]> {
  const { body } = await api.get(`/doctors?${query}`).expect(200);
  return body.items.map(({ givenName, familyName }: Record<string, string>) => `${givenName} ${familyName}`);
}

/** Reserves a doctor's time as the patient service does; returns the appointment's id. */
export async function reserve(
  { api }: TestService,
  doctorId: string,
  startsAt: string,
  endsAt: string,
): Promise<string> {
  const appointmentId = uuidv7();
  await api
    .put(`/reservations/${appointmentId}`)
    .send({ doctorId, startsAt, endsAt, revision: 1 })
    .expect(201);
  return appointmentId;
}

/** Local midnight, as a date, of so many days after today in UTC. */
export const dateIn = (days: number): string =>
  new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

/** The next last Sunday of a month (1–12) that is at least two days away: when Europe changes its clocks. */
export function nextLastSunday(month: number): string {
  const year = new Date().getUTCFullYear();
  const lastSundayOf = (of: number): Date => {
    const day = new Date(Date.UTC(of, month, 0));
    day.setUTCDate(day.getUTCDate() - day.getUTCDay());
    return day;
  };
  const day = lastSundayOf(year);
  return (day.getTime() > Date.now() + 2 * 86_400_000 ? day : lastSundayOf(year + 1))
    .toISOString()
    .slice(0, 10);
}

/** What a problem is about, in one line: `422 invalid-request #/givenName, sort`. */
export function problemOf({ status, type, text }: { status: number; type: string; text: string }): string {
  if (type !== 'application/problem+json') return `${status} ${type}`;
  const problem = JSON.parse(text) as { type: string; errors?: { pointer?: string; parameter?: string }[] };
  const places = (problem.errors ?? []).map(({ pointer, parameter }) => pointer ?? parameter);
  return [status, problem.type.replace('urn:problem-type:', ''), places.join(', ')].join(' ').trim();
}

/** Sends requests while the test holds a lock, and lets go when all of them wait for one: they cannot pass each other by luck. */
export async function whileLocked<Answer>(
  { db }: TestService,
  lock: string,
  requests: readonly (() => PromiseLike<Answer>)[],
): Promise<Answer[]> {
  await db.query('begin');
  await db.query(lock);
  const answers = Promise.all(requests.map((send) => send()));
  try {
    await eventually(async () => {
      // Within a transaction PostgreSQL would show the same connections again and again.
      await db.query('select pg_stat_clear_snapshot()');
      const { rows } = await db.query(
        `select from pg_locks where not granted and pid in (select pid from pg_stat_activity where datname = current_database())`,
      );
      if (rows.length < requests.length)
        throw new Error(`${rows.length} of ${requests.length} requests wait`);
    });
  } finally {
    await db.query('commit');
  }
  return answers;
}
