import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import { halfHour } from '../testing/clinic.ts';
import { eventually } from '../testing/eventually.ts';
import { openTwoSides, type Pair, type PatientReplica, type TwoSides } from '../testing/two-sides.ts';

jest.setTimeout(30_000);

let sides: TwoSides;
let patient: PatientReplica;
let pair: Pair;
/** Something that is no doctor service, where one should be. */
let stranger: Server;
let answer: RequestListener;
const strangersPort = () => (stranger.address() as AddressInfo).port;

beforeAll(async () => {
  sides = await openTwoSides();
  await sides.startDoctor();
  patient = await sides.startPatient();
  stranger = createServer((req, res) => answer(req, res));
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
});
beforeEach(async () => {
  pair = await sides.seedPair();
});
afterEach(async () => {
  expect(await sides.whatIsBroken()).toEqual([]);
});
afterAll(async () => {
  stranger.close();
  stranger.closeAllConnections();
  expect(await sides.close()).toBe(0);
});

const bookings = () => sides.bookingsOf(pair.patientId);

async function metric(name: string): Promise<number> {
  const { text } = await sides.client.get(patient.url, '/metrics');
  const [, value] = new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text) ?? [];
  return Number(value);
}

const sends =
  (status: number, body = '', headers = {}): RequestListener =>
  (_req, res) =>
    res.writeHead(status, headers).end(body);

const someReservation = {
  appointmentId: '01990000-0000-7000-8000-000000000000',
  revision: 1,
  state: 'active',
};

const meaningless: [string, RequestListener][] = [
  ['200 with a page', sends(200, '<html>Welcome</html>', { 'content-type': 'text/html' })],
  ['201 with another reservation', sends(201, JSON.stringify(someReservation))],
  ['204 to a PUT', sends(204)],
  ['302 to somewhere else', (req, res) => sends(302, '', { location: `/elsewhere${req.url}` })(req, res)],
  ['404', sends(404, '{"type":"urn:problem-type:not-found"}')],
  ['404 with the word of a refusal', sends(404, '{"type":"urn:problem-type:unknown-doctor"}')],
  ['409 with a word that is none of ours', sends(409, '{"type":"urn:problem-type:sold-out"}')],
  ['500', sends(500, 'Oops')],
  ['HTTP that cannot be read', (req) => req.socket.end('HTP/1.1 200 OK\r\n\r\n')],
  [
    'a body that does not end',
    (_req, res) => {
      const more = (): void => {
        while (!res.destroyed && res.write('x'.repeat(16_384)));
      };
      res.writeHead(200).on('drain', more);
      more();
    },
  ],
];

test.each(meaningless)('%s: an alarm, the booking waits, and nothing is lost', async (_what, listener) => {
  const asked: string[] = [];
  answer = (req, res) => {
    asked.push(req.url ?? '');
    listener(req, res);
  };
  const before = await metric('doctor_service_unexpected_answers_total');
  patient.toDoctor.retarget(strangersPort());
  const told = await sides.book(patient, pair, halfHour(0));
  expect(told).toMatchObject({ status: 202, body: { status: 'pending', settled: false } });
  expect(told.tookMs).toBeLessThan(1_500);
  expect(await metric('doctor_service_unexpected_answers_total')).toBeGreaterThan(before);
  expect(asked.filter((url) => !url.startsWith('/reservations/'))).toEqual([]);
  expect(await bookings()).toMatchObject([{ status: 'pending', isSettled: false, reservations: [] }]);

  sides.askDoctorAgain();
  await sides.hurry();
  await eventually(async () =>
    expect(await bookings()).toMatchObject([{ status: 'booked', reservations: ['1 active'] }]),
  );
});

test('503, a timeout and a lost connection are an absence, and no alarm', async () => {
  const before = await metric('doctor_service_unexpected_answers_total');
  patient.toDoctor.retarget(strangersPort());
  for (const listener of [sends(503), () => undefined, (req) => req.socket.destroy()] as RequestListener[]) {
    answer = listener;
    expect((await sides.book(patient, await sides.seedPair(), halfHour(0))).status).toBe(202);
  }
  await patient.toDoctor.refuse();
  expect((await sides.book(patient, await sides.seedPair(), halfHour(0))).status).toBe(202);
  expect(await metric('doctor_service_unexpected_answers_total')).toBe(before);
  sides.askDoctorAgain();
});

const contradictions = [
  {
    word: 'superseded',
    how: 'a newer revision is there',
    spoil: (id: string) =>
      sides.doctor.db.query(
        `insert into reservations (appointment_id, revision, state) values ($1, 7, 'released')`,
        [id],
      ),
    mend: (id: string) =>
      sides.doctor.db.query('delete from reservations where appointment_id = $1 and revision = 7', [id]),
  },
  {
    word: 'revision-mismatch',
    how: 'the revision is there for another time',
    spoil: (id: string) =>
      sides.doctor.db.query(
        `insert into reservations (appointment_id, revision, state, doctor_id, starts_at, ends_at, reason)
         values ($1, 2, 'refused', gen_random_uuid(), now(), now() + interval '1 hour', 'slot-taken')`,
        [id],
      ),
    mend: (id: string) =>
      sides.doctor.db.query('delete from reservations where appointment_id = $1 and revision = 2', [id]),
  },
];

test.each(contradictions)(
  'a database was restored ($how): an alarm by the gauge, and no further question',
  async ({ word, spoil, mend }) => {
    const { body } = await sides.book(patient, pair, halfHour(0));
    const id = String(body.id);
    await spoil(id);
    const { startsAt } = halfHour(1);
    const told = await sides.client.post(patient.url, `/appointments/${id}/reschedule`, { startsAt });
    expect(told).toMatchObject({ status: 202, body: { settled: false, startsAt: halfHour(0).startsAt } });
    const answers = ['201', `409 ${word}`];
    expect(patient.toDoctor.answers(id)).toEqual(answers);
    await eventually(async () => expect(await metric('appointments_contradicted')).toBe(1));

    // While another appointment, due at the same time, is asked about and settled, this one is left alone.
    await patient.toDoctor.refuse();
    const other = await sides.seedPair();
    await sides.book(patient, other, halfHour(0));
    await patient.toDoctor.pass();
    await sides.hurry();
    await eventually(async () =>
      expect(await sides.bookingsOf(other.patientId)).toMatchObject([{ status: 'booked' }]),
    );
    expect(patient.toDoctor.answers(id)).toEqual(answers);
    expect(await bookings()).toMatchObject([{ status: 'booked', isSettled: false }]);

    // As reconciling does.
    await mend(id);
    await sides.patient.db.query('update appointments set contradiction = null where id = $1', [id]);
    await sides.hurry();
    await eventually(async () => expect(await bookings()).toMatchObject([{ startsAt, isSettled: true }]));
    await eventually(async () => expect(await metric('appointments_contradicted')).toBe(0));
  },
);
