import type { Db } from '../db/database.ts';
import { sql } from '../db/statement.ts';
import type { Tip } from './chain.ts';

/**
 * Digest of an entry `e` as 64 hexadecimal digits: SHA-256 of all its columns as text, each on lines of its own. No line but that of
 * the events can hold a line break, and their length says where they end, so that no two entries make one text.
 */
export const DIGEST = `encode(sha256(convert_to(concat_ws(E'\\n', e.id, extract(epoch from e.recorded_at), e.xid,
            octet_length(e.events::text), e.events, e.keys), 'UTF8')), 'hex')`;

const MAKE_MONTHS = sql<[]>('audit.make_months', 'select audit_make_months()');

/** Makes the partitions of this month and the next two. */
export async function makeMonths(db: Db): Promise<void> {
  await db.query(MAKE_MONTHS, []);
}

const LOCK = sql<[], { free: boolean }>(
  'audit.lock_sealing',
  'select pg_try_advisory_xact_lock(7203819) as free',
);

/** Keeps other sealers out until the transaction ends; false when one is at work. */
export async function lockSealing(tx: Db): Promise<boolean> {
  const [row] = await tx.query(LOCK, []);
  return row?.free === true;
}

const WALK_INDEXES = sql<[]>(
  'audit.walk_indexes',
  `select set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)`,
);

/**
 * Lets the rest of a transaction read along indexes, and stop where it has enough. Otherwise the planner, which knows little of a
 * growing table, collects and sorts all that waits to be sealed for each batch of it.
 */
export async function walkIndexes(tx: Db): Promise<void> {
  await tx.query(WALK_INDEXES, []);
}

/** The last link, and what the search for the next entries goes by. */
export interface LastLink extends Tip {
  entryId: string;
  xid: string;
  /** The entry's month, as an instant and as its end, which is the next one's begin. */
  month: string;
  nextMonth: string;
  /** Whether its transaction lies in this cluster's future: the rows were restored from another one. */
  isRestored: boolean;
}

const FIND_LAST = sql<[], LastLink>(
  'audit.find_last_link',
  `select l.position, encode(l.hash, 'hex') as hash, l.entry_id::text as "entryId", l.xid::text as xid,
          date_trunc('month', l.recorded_at, 'UTC') as month,
          date_trunc('month', l.recorded_at, 'UTC') + interval '1 month' as "nextMonth",
          l.xid >= pg_snapshot_xmax(pg_current_snapshot()) as "isRestored"
     from audit_links l
    order by l.position desc
    limit 1`,
);

export async function findLastLink(db: Db): Promise<LastLink | undefined> {
  const [row] = await db.query(FIND_LAST, []);
  return row;
}

/** Where to look for entries: in one month, after an entry of it. */
export interface Search {
  from: string;
  to: string;
  afterXid: string;
  afterId: string;
  /** Also those whose transaction lies in this cluster's future. */
  restoredToo: boolean;
}

/** An entry that is to be sealed; every member is text, so that none loses a digit. */
export interface UnsealedEntry {
  id: string;
  /** To the microsecond. */
  recordedAt: string;
  /** Of the transaction that stored it. */
  xid: string;
  digest: string;
}

const LIST_UNSEALED = sql<
  [from: string, to: string, afterXid: string, afterId: string, restoredToo: boolean, limit: number],
  UnsealedEntry
>(
  'audit.list_unsealed',
  // Below the oldest running transaction nothing can appear any more.
  `select e.id::text as id, e.recorded_at::text as "recordedAt", e.xid::text as xid, ${DIGEST} as digest
     from audit_entries e
    where e.recorded_at >= $1 and e.recorded_at < $2 and (e.xid, e.id) > ($3::xid8, $4::bigint)
      and (e.xid < pg_snapshot_xmin(pg_current_snapshot())
           or $5::boolean and e.xid >= pg_snapshot_xmax(pg_current_snapshot()))
      and not exists (select from audit_links l where l.recorded_at = e.recorded_at and l.entry_id = e.id)
    order by e.xid, e.id
    limit $6`,
);

/** Final entries without a link, in the order in which they are to be sealed. */
export const listUnsealed = (tx: Db, search: Search, limit: number): Promise<UnsealedEntry[]> =>
  tx.query(LIST_UNSEALED, [
    search.from,
    search.to,
    search.afterXid,
    search.afterId,
    search.restoredToo,
    limit,
  ]);

const FIND_NEXT_MONTH = sql<[from: string], { from: string; to: string }>(
  'audit.find_next_month',
  `select date_trunc('month', e.recorded_at, 'UTC') as from, date_trunc('month', e.recorded_at, 'UTC') + interval '1 month' as to
     from audit_entries e
    where e.recorded_at >= $1 and now() >= date_trunc('month', e.recorded_at, 'UTC') + interval '1 minute'
    order by e.recorded_at
    limit 1`,
);

/** The first month from an instant on that has entries and is at least a minute old. */
export async function findNextMonth(tx: Db, from: string): Promise<{ from: string; to: string } | undefined> {
  const [row] = await tx.query(FIND_NEXT_MONTH, [from]);
  return row;
}

const INSERT_LINKS = sql<
  [
    after: number,
    ids: readonly string[],
    instants: readonly string[],
    xids: readonly string[],
    hashes: readonly string[],
  ]
>(
  'audit.insert_links',
  `insert into audit_links (position, entry_id, recorded_at, xid, hash)
   select $1::bigint + sealed.number, sealed.id, sealed.recorded_at, sealed.xid, decode(sealed.hash, 'hex')
     from unnest($2::bigint[], $3::timestamptz[], $4::xid8[], $5::text[])
          with ordinality as sealed (id, recorded_at, xid, hash, number)`,
);

/** Appends a link for each entry, with its hash, after a position. */
export async function insertLinks(
  tx: Db,
  after: number,
  entries: readonly UnsealedEntry[],
  hashes: readonly string[],
): Promise<void> {
  await tx.query(INSERT_LINKS, [
    after,
    entries.map(({ id }) => id),
    entries.map(({ recordedAt }) => recordedAt),
    entries.map(({ xid }) => xid),
    hashes,
  ]);
}

const FIND_OLDEST_UNSEALED = sql<[from: string, afterXid: string, afterId: string], { ageSeconds: number }>(
  'audit.find_oldest_unsealed',
  `select extract(epoch from clock_timestamp() - e.recorded_at)::float8 as "ageSeconds"
     from audit_entries e
    where e.recorded_at >= $1 and (e.xid, e.id) > ($2::xid8, $3::bigint)
    order by e.xid, e.id
    limit 1`,
);

/** How long the first entry after a link has waited, or 0. */
export async function readLag(db: Db): Promise<number> {
  const last = await findLastLink(db);
  const [row] = await db.query(FIND_OLDEST_UNSEALED, [
    last?.month ?? '-infinity',
    last?.xid ?? '0',
    last?.entryId ?? '0',
  ]);
  return row?.ageSeconds ?? 0;
}
