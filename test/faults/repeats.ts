import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { halfHour } from '../../services/testing/clinic.ts';
import { inParallel } from '../../services/testing/load.ts';
import { randomFrom } from '../../services/testing/random.ts';
import type { Clinic } from './clients.ts';
import { findContradictions } from './contradictions.ts';
import { count, type History, type Operation } from './history.ts';
import { listAppointments, openBooks, readClocks, readOutcomes } from './rows.ts';
import { sendOnce } from './send.ts';
import type { System } from './system.ts';

export interface RepeatsOptions {
  system: System;
  history: History;
  clinic: Clinic;
  seed: number;
  bookings: number;
  log: (line: string) => void;
}

const CLIENTS = 32;
const MOST_COPIES = 5;

/** Sends each booking one to five times at once with one key, to both processes: there is one appointment for each. */
export async function runRepeats({
  system,
  history,
  clinic,
  seed,
  bookings,
  log,
}: RepeatsOptions): Promise<void> {
  const random = randomFrom(seed);
  const { doctorIds, patientIds } = clinic;
  const books = await openBooks(system);
  const since = await readClocks(books);
  const operations = Array.from({ length: bookings }, (_, index): Operation => {
    const { startsAt } = halfHour(Math.floor(index / doctorIds.length));
    return {
      client: index % CLIENTS,
      kind: 'book',
      key: randomUUID(),
      appointment: undefined,
      patientId: patientIds[index % patientIds.length] ?? '',
      wanted: { doctorId: doctorIds[index % doctorIds.length] ?? '', startsAt, durationMinutes: 30 },
      tries: [],
      answer: undefined,
    };
  });
  history.operations = operations;
  await inParallel(CLIENTS, operations, async (operation) => {
    const copies = 1 + Math.floor(random() * MOST_COPIES);
    count(history, 'copies sent', copies);
    const anyReplica = () => system.patients[Math.floor(random() * system.patients.length)];
    const replicas = Array.from({ length: copies }, anyReplica).filter((replica) => replica !== undefined);
    await Promise.all(replicas.map((replica) => sendOnce(history, operation, replica)));
    while (operation.answer === undefined && system.deaths.length === 0) {
      await sleep(200);
      for (const replica of replicas.slice(0, 1)) await sendOnce(history, operation, replica);
    }
  });
  const rows = await listAppointments(books, since, []);
  history.broken.push(...findContradictions(history, rows, await readOutcomes(books, since, [])));
  if (rows.length !== bookings || rows.some(({ status }) => status !== 'booked'))
    history.broken.push({ rule: 'I5', what: `${bookings} keys made ${rows.length} appointments` });
  await books.close();
  log(`${bookings} bookings, each sent 1 to ${MOST_COPIES} times at once: ${rows.length} appointments`);
}
