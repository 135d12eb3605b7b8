import type { Db } from '../db/database.ts';
import { sql } from '../db/statement.ts';
import type { StoredLink, Tip } from './chain.ts';
import { DIGEST } from './seal-store.ts';

const FIND_FIRST = sql<[], { position: number }>(
  'audit.find_first_link',
  'select l.position from audit_links l order by l.position limit 1',
);

/** The position of the first link that is there. */
export async function findFirstPosition(db: Db): Promise<number | undefined> {
  const [row] = await db.query(FIND_FIRST, []);
  return row?.position;
}

type LinkRow = Tip & { entryId: string; recordedAt: string; digest: string | null };

const LIST_LINKS = sql<[afterPosition: number, afterInstant: string, limit: number], LinkRow>(
  'audit.list_links',
  `select l.position, encode(l.hash, 'hex') as hash, l.entry_id::text as "entryId", l.recorded_at::text as "recordedAt",
          (select ${DIGEST} from audit_entries e where e.recorded_at = l.recorded_at and e.id = l.entry_id) as digest
     from audit_links l
    where (l.position, l.recorded_at) > ($1::bigint, $2::timestamptz)
    order by l.position, l.recorded_at
    limit $3`,
);

/** Links after one, with their entries' digests, by position; two of one position both come. */
export async function listLinks(
  db: Db,
  after: { position: number; recordedAt: string },
  limit: number,
): Promise<(StoredLink & { recordedAt: string })[]> {
  const rows = await db.query(LIST_LINKS, [after.position, after.recordedAt, limit]);
  return rows.map(({ digest, ...link }) => ({ ...link, digest: digest ?? undefined }));
}

export interface EntryPlace {
  id: string;
  recordedAt: string;
  /** Whether it has a link, or may still wait for one. */
  isFine: boolean;
}

const LIST_PLACES = sql<
  [afterInstant: string, afterId: string, tipPosition: number, limit: number, endedMonth: string | null],
  EntryPlace
>(
  'audit.list_places',
  // What comes before the last sealed entry, in its month or in an earlier one, has been sealed. After a restore from another
  // cluster the numbers of transactions say nothing.
  `with tip as (
     select date_trunc('month', l.recorded_at, 'UTC') as month, l.xid, l.entry_id as id,
            l.xid >= pg_snapshot_xmax(pg_current_snapshot()) as is_restored
       from audit_links l where l.position = $3
   ), page as (
     select e.id, e.recorded_at, e.xid from audit_entries e
      where (e.recorded_at, e.id) > ($1::timestamptz, $2::bigint)
      order by e.recorded_at, e.id
      limit $4
   )
   select page.id::text as id, page.recorded_at::text as "recordedAt",
          l.position is not null
          or (page.recorded_at < ($5::date + interval '1 month') at time zone 'UTC') is not true
             and not exists (
               select from tip
                where page.recorded_at < tip.month
                   or (page.recorded_at < tip.month + interval '1 month' and not tip.is_restored
                       and (page.xid, page.id) < (tip.xid, tip.id))) as "isFine"
     from page left join audit_links l on l.recorded_at = page.recorded_at and l.entry_id = page.id
    order by page.recorded_at, page.id`,
);

/**
 * Entries after one, by time.
 * @param endedMonth the month, as `2026-11`, that the chain has left behind for certain, with all before it
 */
export const listPlaces = (
  db: Db,
  after: { recordedAt: string; id: string },
  { tipPosition, endedMonth }: { tipPosition: number; endedMonth: string | undefined },
  limit: number,
): Promise<EntryPlace[]> =>
  db.query(LIST_PLACES, [
    after.recordedAt,
    after.id,
    tipPosition,
    limit,
    endedMonth === undefined ? null : `${endedMonth}-01`,
  ]);
