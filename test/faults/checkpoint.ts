import { setTimeout as sleep } from 'node:timers/promises';
import { readEvidence } from '../../services/shared/audit/evidence.ts';
import { verifyTrail } from '../../services/shared/audit/verify.ts';
import { connectTo, onClient } from '../../services/testing/audit-trail.ts';
import { invariantsBroken } from '../../services/testing/clinic.ts';
import { eventually } from '../../services/testing/eventually.ts';
import { awakeMs } from './awake.ts';
import type { Load } from './clients.ts';
import { findContradictions } from './contradictions.ts';
import { forgetProven, type History, type Operation } from './history.ts';
import {
  type Books,
  countEvents,
  fingerprints,
  listAppointments,
  listUnsettled,
  openBooks,
  readClocks,
  readOutcomes,
  type Since,
} from './rows.ts';
import { sendOnce } from './send.ts';
import type { System } from './system.ts';

/** What the last proof found, which must not change any more. */
export interface Proven {
  since: Since;
  /** Appointments that the clients went on with. */
  kept: readonly string[];
  prints: Since;
}

/** I6. */
const SETTLED_WITHIN_MS = 10_000;
/** A try that died leaves its key "in progress" for 15 s at most. */
const DECIDED_WITHIN_MS = 30_000;
const SEALED_WITHIN_MS = 30_000;

export async function startProof(system: System): Promise<Proven> {
  const books = await openBooks(system);
  const since = await readClocks(books);
  const prints = await fingerprints(books, since, []);
  await books.close();
  return { since, kept: [], prints };
}

/** Waits until everything is settled, and returns how long that took. What is not settled in time is broken. */
export async function settle(history: History, books: Books): Promise<number> {
  const startedMs = awakeMs();
  for (;;) {
    // One is enough to wait for: listing thousands would take from the services what they settle with.
    const isSettled = (await listUnsettled(books, 1)).length === 0;
    const tookMs = awakeMs() - startedMs;
    if (isSettled) return tookMs;
    if (tookMs > SETTLED_WITHIN_MS) {
      for (const id of await listUnsettled(books))
        history.broken.push({
          rule: 'I6',
          what: `appointment ${id} is not settled ${SETTLED_WITHIN_MS / 1000} s after everything was healed`,
        });
      return tookMs;
    }
    await sleep(50);
  }
}

/** Sends what nobody has decided again, with its key, until it is. */
async function decideAll(history: History, system: System, unanswered: readonly Operation[]): Promise<void> {
  const giveUpAt = awakeMs() + DECIDED_WITHIN_MS;
  await Promise.all(
    unanswered.map(async (operation, index) => {
      const replica = system.patients[index % system.patients.length];
      while (replica !== undefined && operation.answer === undefined && awakeMs() < giveUpAt) {
        await sendOnce(history, operation, replica);
        if (operation.answer === undefined) await sleep(500);
      }
    }),
  );
}

/** I8: one event for each request that was answered 2xx. */
function eventsMissing({ operations }: History, events: ReadonlyMap<string, number>): History['broken'] {
  return operations.flatMap(({ kind, key, tries }) =>
    tries
      .filter(({ status, requestId }) => status >= 200 && status < 300 && events.get(requestId) !== 1)
      .map(({ status, requestId }) => ({
        rule: 'I8',
        what: `request ${requestId} of ${kind} ${key} was answered ${status} and has ${events.get(requestId) ?? 0} events`,
      })),
  );
}

/** Ends every fault, waits until the system is quiet, and holds everything that was answered against both databases. */
export async function prove(
  history: History,
  system: System,
  load: Load,
  { since, kept, prints }: Proven,
): Promise<{ proven: Proven; settledMs: number }> {
  await load.pause();
  await system.heal();
  const books = await openBooks(system);
  try {
    const settledMs = await settle(history, books);
    await decideAll(history, system, load.unanswered.splice(0));
    await settle(history, books);

    const rows = await listAppointments(books, since, kept);
    const outcomes = await readOutcomes(books, since, kept);
    const present = await fingerprints(books, since, kept);
    for (const service of ['patient', 'doctor'] as const)
      if (present[service] !== prints[service])
        history.broken.push({
          rule: 'I4',
          what: `rows of the ${service} database changed that were proven and that nobody touched: ${prints[service]} became ${present[service]}`,
        });
    history.broken.push(
      ...(await invariantsBroken({ db: books.patient }, { db: books.doctor })).map((what) => ({
        rule: 'I1–I3',
        what,
      })),
      ...findContradictions(history, rows, outcomes),
      ...eventsMissing(history, await countEvents(books, since)),
    );

    const goOn = load.goOnWith();
    const next = { since: await readClocks(books), kept: [...goOn].map(({ id }) => id) };
    const proven = { ...next, prints: await fingerprints(books, next.since, next.kept) };
    if (history.broken.length === 0) forgetProven(history, goOn);
    return { proven, settledMs };
  } finally {
    await books.close();
  }
}

/** I8: both trails are as they were sealed and signed. @returns how many entries they have */
export async function verifyTrails({ servers, evidence }: System, history: History): Promise<number> {
  let entries = 0;
  for (const service of ['patient', 'doctor'] as const) {
    const client = await connectTo(servers[service].ownerUrl());
    const verification = await eventually(
      async () => {
        const { checkpoints } = readEvidence(evidence[service], service, undefined);
        const found = await verifyTrail(onClient(client), checkpoints);
        if (found.ok && found.proven < found.entries)
          throw new Error('not everything is sealed and signed yet');
        return found;
      },
      SEALED_WITHIN_MS,
      awakeMs,
    ).catch((error: Error) => error);
    await client.end();
    if (verification instanceof Error)
      history.broken.push({ rule: 'I8', what: `${service}: ${verification.message}` });
    else if (verification.ok) entries += verification.entries;
    else
      history.broken.push({
        rule: 'I8',
        what: `the trail of the ${service} service: ${JSON.stringify(verification)}`,
      });
  }
  return entries;
}
