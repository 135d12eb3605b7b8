import type { Db } from '../../shared/db/database.ts';
import { listBusy } from '../reservations/store.ts';
import type { Interval } from './interval.ts';
import { MINUTE_MS } from './local-time.ts';

/** A visit can be offered if the buffer after it is free, too; no schedule has a longer one. */
const LONGEST_BUFFER_MS = 240 * MINUTE_MS;

/** The last instant that RFC 3339 can write. */
const LAST_INSTANT = Date.parse('9999-12-31T23:59:59.999Z');

/** What is taken of each doctor's time, with buffers, as far as it decides about visits within these instants. One query. */
export async function busyTimes(
  db: Db,
  doctorIds: readonly string[],
  { start, end }: Interval,
): Promise<ReadonlyMap<string, readonly Interval[]>> {
  const from = new Date(start).toISOString();
  const to = new Date(Math.min(end + LONGEST_BUFFER_MS, LAST_INSTANT)).toISOString();
  const rows = await listBusy(db, doctorIds, from, to);
  return new Map(
    rows.map(({ doctorId, busy }) => [doctorId, busy.map(([taken, free]) => ({ start: taken, end: free }))]),
  );
}
