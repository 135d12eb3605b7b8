import { problemOf } from '../../testing/calendar.ts';
import { addPatient, aPatient } from '../../testing/people.ts';
import { createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { startPatient, type TestService } from '../../testing/services.ts';
import { startProxy, type TcpProxy } from '../../testing/tcp-proxy.ts';
import { postgresWire, type Wire } from '../../testing/wire.ts';

// An error of a statement goes into the database's log, and quotes the identifier there: none may be raised.

let database: TestDatabase;
let proxy: TcpProxy;
let t: TestService;
/** The statements that the database has answered with an error. */
const failed: string[] = [];

/** PostgreSQL's protocol; an ErrorResponse is a message of type E. */
function wireThatNotesErrors(): Wire {
  const { ask, answer } = postgresWire();
  return {
    ask,
    answer: (bytes) => {
      const parts = answer(bytes);
      for (const part of parts) if (part.bytes.toString('latin1', 0, 1) === 'E') failed.push(part.exchange);
      return parts;
    },
  };
}

beforeAll(async () => {
  database = await createDatabase('patient');
  const url = new URL(database.url);
  proxy = await startProxy(wireThatNotesErrors, Number(url.port));
  url.port = String(proxy.port);
  t = await startPatient({ database: { url: url.href, ownerUrl: database.ownerUrl } });
});
beforeEach(() => {
  failed.length = 0;
});
afterAll(async () => {
  await t.stop();
  await proxy.close();
  await database.drop();
});

const identifiers = (value: string) => [{ system: 'urn:quiet', value }];
const create = (value: string) => t.api.post('/patients').send(aPatient({ identifiers: identifiers(value) }));

test('409 duplicate-patient for a second patient, without an error in the database', async () => {
  await addPatient(t, { identifiers: identifiers('1') });
  expect(problemOf(await create('1'))).toBe('409 duplicate-patient');
  expect(problemOf(await create('1').set('Idempotency-Key', 'second'))).toBe('409 duplicate-patient');
  expect(failed).toEqual([]);
});

test('409 duplicate-patient for a change, without an error in the database', async () => {
  await addPatient(t, { identifiers: identifiers('2') });
  const id = await addPatient(t, { identifiers: identifiers('3') });
  const change = await t.api.patch(`/patients/${id}`).send({ identifiers: identifiers('2') });
  expect(problemOf(change)).toBe('409 duplicate-patient');
  expect((await t.api.get(`/patients/${id}`)).body).toMatchObject({
    identifiers: identifiers('3'),
    version: 1,
  });
  expect(failed).toEqual([]);
});

test('201 for one of two patients at once with one identifier, 409 for the other, without an error in the database', async () => {
  for (let round = 0; round < 10; round += 1) {
    const answers = await Promise.all([create(`race ${round}`), create(`race ${round}`)]);
    expect(answers.map(problemOf).sort()).toEqual(['201 application/json', '409 duplicate-patient']);
  }
  expect(failed).toEqual([]);
});
