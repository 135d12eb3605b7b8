import type { Database } from '../../shared/db/database.ts';
import type { DoctorAnswer, DoctorClient, Reserved } from '../doctor-client.ts';
import { type Difference, differenceOf, type Kept } from './difference.ts';
import { insertWish } from './outbox-store.ts';
import { listToCompare, lockRevision, moveOn, readNow } from './reconcile-store.ts';
import { settle } from './settle.ts';

export interface ReconcileParts {
  db: Database;
  doctors: Pick<DoctorClient, 'ask' | 'listReservations'>;
  /** Whether to repair what is found. */
  repair: boolean;
}

export interface Finding {
  appointmentId: string;
  difference: Difference;
  /** What became of it; undefined when nothing was to be repaired. */
  repair: 'repaired' | 'refused' | 'waits' | 'failed' | undefined;
}

type KeptRow = Kept & { patientId: string };

const BATCH = 500;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

async function* allKept(db: Database): AsyncGenerator<KeptRow> {
  for (let after = FIRST_ID; ; ) {
    const rows = await listToCompare(db, after, BATCH);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}

/** What both sides say of each appointment. Both come by id, so that only one of each is held. */
async function* pairs({
  db,
  doctors,
}: ReconcileParts): AsyncGenerator<{ kept: KeptRow | undefined; reserved: Reserved | undefined }> {
  const left = allKept(db);
  const right = doctors.listReservations();
  let kept = (await left.next()).value as KeptRow | undefined;
  let reserved = (await right.next()).value as Reserved | undefined;
  while (kept !== undefined || reserved !== undefined) {
    const takesLeft = kept !== undefined && (reserved === undefined || kept.id <= reserved.appointmentId);
    const takesRight = reserved !== undefined && (kept === undefined || reserved.appointmentId <= kept.id);
    yield { kept: takesLeft ? kept : undefined, reserved: takesRight ? reserved : undefined };
    if (takesLeft) kept = (await left.next()).value as KeptRow | undefined;
    if (takesRight) reserved = (await right.next()).value as Reserved | undefined;
  }
}

const outcomeOf = ({ kind }: DoctorAnswer): Finding['repair'] => {
  if (kind === 'granted') return 'repaired';
  if (kind === 'refused') return 'refused';
  return kind === 'unanswered' ? 'waits' : 'failed';
};

/** Frees time that nobody knows the appointment of. Its row stays at the doctor service, so nothing brings the time back. */
async function releaseUnknown(
  doctors: ReconcileParts['doctors'],
  { appointmentId, revision }: Reserved,
): Promise<Finding['repair']> {
  const outcome = outcomeOf(await doctors.ask({ appointmentId, revision: revision + 1, wanted: null }));
  // No row of ours keeps the wish: who is told so runs it again.
  return outcome === 'waits' ? 'failed' : outcome;
}

/** Sends what the appointment wants now as a revision that both sides have not seen; if nobody answers, the settler goes on. */
async function sendAgain(
  parts: ReconcileParts,
  kept: KeptRow,
  reserved: Reserved | undefined,
): Promise<Finding['repair']> {
  const { id: appointmentId, patientId, wanted } = kept;
  const revision = Math.max(kept.revision, reserved?.revision ?? 0) + 1;
  const wish = { appointmentId, revision, wanted, keyed: false };
  const isOpen = await parts.db.tx(async (tx) => {
    // Before anything is written: an appointment that has moved on, or a patient who is busy then, is left as it is.
    if ((await lockRevision(tx, appointmentId)) !== kept.revision) return false;
    if (!(await insertWish(tx, wish, patientId))) return false;
    await moveOn(tx, appointmentId, revision);
    return true;
  });
  if (!isOpen) return 'failed';
  const { said } = await settle(parts, wish);
  return outcomeOf(said);
}

/**
 * Compares both sides, appointment by appointment, after one of the databases was restored to an earlier moment. What is found may
 * be over when it is told: requests go on meanwhile, and a repair touches nothing that has moved on.
 * @throws Error when the doctor service does not list its reservations
 */
export async function* reconcile(parts: ReconcileParts): AsyncGenerator<Finding> {
  const now = await readNow(parts.db);
  for await (const { kept, reserved } of pairs(parts)) {
    const difference = differenceOf(kept, reserved, now);
    if (difference === undefined) continue;
    const appointmentId = kept?.id ?? reserved?.appointmentId ?? '';
    let repair: Finding['repair'];
    if (parts.repair && kept !== undefined) repair = await sendAgain(parts, kept, reserved);
    else if (parts.repair && reserved !== undefined) repair = await releaseUnknown(parts.doctors, reserved);
    yield { appointmentId, difference, repair };
  }
}
