import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { type Database, openDatabase } from '../../shared/db/database.ts';
import { createLog } from '../../shared/log/log.ts';
import { halfHour, seedPatient } from '../../testing/clinic.ts';
import { eventually } from '../../testing/eventually.ts';
import { createDatabase, type TestDatabase } from '../../testing/postgres.ts';
import { startProxy, type TcpProxy } from '../../testing/tcp-proxy.ts';
import { postgresWire } from '../../testing/wire.ts';
import { everybody } from '../access.ts';
import type { DoctorClient } from '../doctor-client.ts';
import { insertPending } from './outbox-store.ts';
import { createSettler, type Settler } from './settler.ts';

// A round of the settler in which the answer of one try cannot be recorded: its connection to the database is lost.

let database: TestDatabase;
/** As the owner, to look behind the stores. */
let owner: pg.Client;
let proxy: TcpProxy;
let db: Database;
let settler: Settler | undefined;

beforeEach(async () => {
  database = await createDatabase('patient');
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  const url = new URL(database.url);
  proxy = await startProxy(postgresWire, Number(url.port));
  url.port = String(proxy.port);
  db = openDatabase({ url: url.href, poolMax: 10, constraints: {}, onIdleError: () => undefined });
});
afterEach(async () => {
  await settler?.stop();
  await db.close();
  await proxy.close();
  await owner.end();
  await database.drop();
});

/** Bookings that are due to be settled; returns their ids. */
async function seedWaiting(count: number): Promise<string[]> {
  const patientId = await seedPatient({ db: owner });
  const ids = Array.from({ length: count }, () => uuidv7());
  for (const [index, id] of ids.entries()) {
    const request = { patientId, doctorId: uuidv7(), ...halfHour(index) };
    await insertPending(db, id, request, {
      keyed: false,
      scope: everybody,
      maxPending: undefined,
      event: undefined,
    });
  }
  await owner.query('update appointments set next_try_at = now() where id = any($1)', [ids]);
  return ids;
}

const start = (ask: DoctorClient['ask']): Settler => {
  settler = createSettler({
    db,
    doctors: { ask },
    log: createLog('patient', 'silent'),
    onBacklog: () => undefined,
  });
  settler.start();
  return settler;
};

const GRANTED = { kind: 'granted' } as const;
/** Longer than the settler takes to begin another round. */
const SLOWLY_MS = 1_000;

/** Answers about one wish at once, and about the others of its round slowly; tells how many of those are under way. */
function slowBut(quick: string | undefined, round: readonly string[]) {
  let underWay = 0;
  const besideOthers: number[] = [];
  const ask: DoctorClient['ask'] = async ({ appointmentId }) => {
    if (!round.includes(appointmentId)) besideOthers.push(underWay);
    else if (appointmentId !== quick) {
      underWay += 1;
      await sleep(SLOWLY_MS);
      underWay -= 1;
    }
    return GRANTED;
  };
  return { ask, underWay: () => underWay, besideOthers };
}

test('the next round begins when every try of this one has ended', async () => {
  const round = await seedWaiting(4);
  const { ask, besideOthers } = slowBut(round[0], round);
  const record = proxy.hold('appointments.record_granted', 'asked');
  start(ask);
  const held = await record;
  const [next] = await seedWaiting(1);
  held.lose();
  await eventually(async () => {
    const { rows } = await owner.query('select status from appointments where id = $1', [next]);
    expect(rows).toEqual([{ status: 'booked' }]);
  });
  expect(besideOthers).toEqual([0]);
});

test('stop resolves when every try of the round has ended', async () => {
  const round = await seedWaiting(4);
  const { ask, underWay } = slowBut(round[0], round);
  const record = proxy.hold('appointments.record_granted', 'asked');
  const stopping = start(ask);
  const held = await record;
  expect(underWay()).toBe(3);
  held.lose();
  await stopping.stop();
  expect(underWay()).toBe(0);
  const { rows } = await owner.query(
    'select status, count(*)::integer from appointments group by status order by status',
  );
  expect(rows).toEqual([
    { status: 'booked', count: 3 },
    { status: 'pending', count: 1 },
  ]);
});
