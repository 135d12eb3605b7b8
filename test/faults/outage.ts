import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { halfHour, invariantsBroken } from '../../services/testing/clinic.ts';
import { randomFrom } from '../../services/testing/random.ts';
import { awakeMs } from './awake.ts';
import { settle } from './checkpoint.ts';
import type { Clinic } from './clients.ts';
import { findContradictions } from './contradictions.ts';
import { count, type History, type Operation } from './history.ts';
import { listAppointments, listUnsettled, openBooks, readClocks, readOutcomes } from './rows.ts';
import { sendOnce } from './send.ts';
import type { System } from './system.ts';

export interface OutageOptions {
  system: System;
  history: History;
  clinic: Clinic;
  seed: number;
  minutes: number;
  log: (line: string) => void;
}

/** After ten minutes nearly as many wait as the design wants settled in ten seconds, which is 5,000. */
const BOOKINGS_PER_SECOND = 8;
const READS_PER_SECOND = 20;
const ANSWERED_WITHIN_MS = 1_500;

interface Slowest {
  bookingMs: number;
  readMs: number;
}

/**
 * The doctor service is away: for the first half its processes are dead, for the second they are there and nothing they say arrives.
 * Every read is answered 200 and every booking 202 within 1.5 s; all of them are settled within 10 s of its return.
 */
export async function runOutage({
  system,
  history,
  clinic,
  seed,
  minutes,
  log,
}: OutageOptions): Promise<void> {
  const random = randomFrom(seed);
  const { doctors, patients, waysToDoctor } = system;
  const { doctorIds, patientIds } = clinic;
  const books = await openBooks(system);
  const since = await readClocks(books);
  const slowest: Slowest = { bookingMs: 0, readMs: 0 };
  const anyOf = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;

  const book = async (index: number): Promise<void> => {
    const operation: Operation = {
      client: 0,
      kind: 'book',
      key: randomUUID(),
      appointment: undefined,
      patientId: patientIds[index % patientIds.length] ?? '',
      wanted: {
        doctorId: doctorIds[index % doctorIds.length] ?? '',
        startsAt: halfHour(Math.floor(index / doctorIds.length)).startsAt,
        durationMinutes: 30,
      },
      tries: [],
      answer: undefined,
    };
    history.operations.push(operation);
    await sendOnce(history, operation, anyOf(patients));
    const [{ tookMs = 0, status = 0 } = {}] = operation.tries;
    slowest.bookingMs = Math.max(slowest.bookingMs, tookMs);
    if (status !== 202 || tookMs > ANSWERED_WITHIN_MS)
      history.broken.push({
        rule: 'outage',
        what: `booking ${operation.key} got ${status} after ${Math.round(tookMs)} ms`,
      });
  };

  const read = async (): Promise<void> => {
    const begunMs = awakeMs();
    const path = `/patients/${anyOf(patientIds)}`;
    const { status } = await anyOf(patients)
      .caller()
      .call('GET', path)
      .catch(() => ({ status: 0 }));
    slowest.readMs = Math.max(slowest.readMs, awakeMs() - begunMs);
    count(history, `patient read ${status}`);
    if (status !== 200) history.broken.push({ rule: 'outage', what: `a patient was read with ${status}` });
  };

  await Promise.all(doctors.map((doctor) => doctor.kill()));
  log(`the doctor service is away for ${minutes} minutes`);
  const half = (minutes * 60_000) / 2;
  await atRates(half, book, read);
  log(`${(await listUnsettled(books)).length} bookings wait; from now on it is there and silent`);
  for (const { proxy } of waysToDoctor) proxy.silence();
  await Promise.all(doctors.map((doctor) => doctor.start()));
  await atRates(half, book, read, history.operations.length);

  const waiting = (await listUnsettled(books)).length;
  for (const { proxy } of waysToDoctor) await proxy.pass();
  const settledMs = await settle(history, books);
  const rows = await listAppointments(books, since, []);
  history.broken.push(
    ...findContradictions(history, rows, await readOutcomes(books, since, [])),
    ...(await invariantsBroken({ db: books.patient }, { db: books.doctor })).map((what) => ({
      rule: 'I1–I3',
      what,
    })),
  );
  await books.close();
  const booked = rows.filter(({ status }) => status === 'booked').length;
  if (booked !== history.operations.length)
    history.broken.push({ rule: 'outage', what: `${booked} of ${history.operations.length} are booked` });
  log(
    `${waiting} bookings waited, ${booked} are booked, settled ${(settledMs / 1000).toFixed(1)} s after its return`,
  );
  log(`slowest booking ${Math.round(slowest.bookingMs)} ms, slowest read ${Math.round(slowest.readMs)} ms`);
}

/** Books and reads at fixed rates, whatever the answers take, and waits for the last answer. */
async function atRates(
  ms: number,
  book: (index: number) => Promise<void>,
  read: () => Promise<void>,
  first = 0,
): Promise<void> {
  const asked: Promise<void>[] = [];
  const startedMs = awakeMs();
  let [books, reads] = [0, 0];
  for (let seconds = 0; seconds * 1_000 < ms; seconds = (awakeMs() - startedMs) / 1_000) {
    for (; books < seconds * BOOKINGS_PER_SECOND; books += 1) asked.push(book(first + books));
    for (; reads < seconds * READS_PER_SECOND; reads += 1) asked.push(read());
    await sleep(10);
  }
  await Promise.all(asked);
}
