import type { Db } from '../db/database.ts';
import { type Fault, follow, GENESIS, type Tip } from './chain.ts';
import type { Checkpoint } from './checkpoint.ts';
import { findFirstPosition, listLinks, listPlaces } from './verify-store.ts';

export type Verification =
  | { ok: true; first: number; last: number; proven: number; entries: number; waiting: number }
  | { ok: false; fault: Fault; after: Checkpoint | undefined; proof: Checkpoint | undefined };

const BATCH = 500;

/** What the chain begins from: nothing, or the end of a month that was dropped. */
function beginningOf(first: number, checkpoints: readonly Checkpoint[]): Tip | undefined {
  if (first === 1) return GENESIS;
  return checkpoints.find(({ position, endOf }) => position === first - 1 && endOf !== undefined);
}

/**
 * Walks the chain from the first link that is left to the last one, then every entry, and compares with the checkpoints.
 * @param checkpoints with good signatures, by position
 */
export async function verifyTrail(db: Db, checkpoints: readonly Checkpoint[]): Promise<Verification> {
  const newest = checkpoints.at(-1);
  const failed = (fault: Fault): Verification => ({
    ok: false,
    fault,
    after: checkpoints.findLast(({ position }) => position < fault.position),
    proof: checkpoints.find(({ position }) => position >= fault.position),
  });
  // Two checkpoints of one position that differ were made from two chains.
  const known = new Map<number, string>();
  for (const { position, hash } of checkpoints) {
    if ((known.get(position) ?? hash) !== hash) return failed({ kind: 'rewritten', position });
    known.set(position, hash);
  }

  const afterDrops = newest?.endOf === undefined ? 1 : newest.position + 1;
  const first = (await findFirstPosition(db)) ?? afterDrops;
  const beginning = beginningOf(first, checkpoints);
  if (beginning === undefined) return failed({ kind: 'removed', position: 1 });

  const walked = await walkLinks(db, beginning, known);
  if (walked.fault !== undefined) return failed(walked.fault);
  const last = walked.tip.position;
  if (newest !== undefined && newest.position > last) return failed({ kind: 'cut-off', position: last + 1 });

  const { inserted, entries } = await walkEntries(
    db,
    last,
    checkpoints.findLast(({ endOf }) => endOf !== undefined)?.endOf,
  );
  if (inserted !== undefined) return failed({ kind: 'inserted', position: last, entryId: inserted });
  const proven = newest?.position ?? 0;
  return { ok: true, first, last, proven, entries, waiting: entries - (last - first + 1) };
}

async function walkLinks(
  db: Db,
  beginning: Tip,
  known: ReadonlyMap<number, string>,
): Promise<{ tip: Tip; fault?: Fault }> {
  let tip: Tip = beginning;
  let after = { position: 0, recordedAt: '-infinity' };
  for (;;) {
    const links = await listLinks(db, after, BATCH);
    const followed = follow(tip, links, known);
    const end = links.at(-1);
    if (followed.fault !== undefined || end === undefined) return followed;
    ({ tip } = followed);
    after = end;
  }
}

/** Looks for an entry without a link that is older than the end of the chain. */
async function walkEntries(
  db: Db,
  last: number,
  endedMonth: string | undefined,
): Promise<{ inserted?: string; entries: number }> {
  let after = { recordedAt: '-infinity', id: '0' };
  for (let entries = 0; ; ) {
    const places = await listPlaces(db, after, { tipPosition: last, endedMonth }, BATCH);
    const inserted = places.find(({ isFine }) => !isFine);
    if (inserted !== undefined) return { inserted: inserted.id, entries };
    const end = places.at(-1);
    if (end === undefined) return { entries };
    entries += places.length;
    after = end;
  }
}
