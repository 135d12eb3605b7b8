import type pg from 'pg';
import { linkAll } from '../shared/audit/chain.ts';
import { listLinks } from '../shared/audit/verify-store.ts';
import { anEvent, onClient } from './audit-trail.ts';
import { randomFrom } from './random.ts';

export interface Attempt {
  client: pg.Client;
  /** The last position that a checkpoint covers. */
  covered: number;
  /** A whole number from 1 to `most`. */
  pick: (most: number) => number;
}

const ENTRY_AT = 'select recorded_at, entry_id from audit_links where position = $1';

async function one(client: pg.Client, text: string, values: unknown[]): Promise<void> {
  const { rowCount } = await client.query(text, values);
  if (!rowCount) throw new Error(`nothing was bent by ${text}`);
}

/** Each changes one column of a covered entry, or one member of its first event. */
export const EDITS = [
  ...Object.keys(anEvent()).map(
    (_, index) => `events = jsonb_set(events::jsonb, '{0,${index}}', '"other"')::json`,
  ),
  `events = (events::jsonb - 0)::json`,
  `events = (events::jsonb || events::jsonb)::json`,
  // Another text of the same JSON.
  `events = (' ' || events::text)::json`,
  'keys = keys || 7',
  'keys[1] = keys[1] # 1',
  `keys = '{}'`,
  `recorded_at = recorded_at + interval '1 microsecond'`,
  `xid = (xid::text::bigint + 1)::text::xid8`,
];

/** Gives every link from a position on the hash that fits what is there now, as who knows the scheme would. */
async function rewrite(client: pg.Client): Promise<void> {
  const links = await listLinks(onClient(client), { position: 0, recordedAt: '-infinity' }, 100_000);
  const hashes = linkAll(
    '0'.repeat(64),
    links.flatMap(({ digest }) => (digest === undefined ? [] : { digest })),
  );
  await one(
    client,
    `update audit_links l set hash = decode(anew.hash, 'hex')
       from unnest($1::bigint[], $2::text[]) as anew (position, hash) where anew.position = l.position`,
    [links.map(({ position }) => position), hashes],
  );
}

async function removeBoth(client: pg.Client, position: number): Promise<void> {
  await one(client, `delete from audit_entries where (recorded_at, id) in (${ENTRY_AT})`, [position]);
  await one(client, 'delete from audit_links where position = $1', [position]);
}

/** Ways to bend rows that a checkpoint covers. */
export const TAMPERINGS: Readonly<Record<string, (attempt: Attempt) => Promise<void>>> = {
  'edit an entry': async ({ client, covered, pick }) => {
    const edit = EDITS[pick(EDITS.length) - 1] ?? '';
    await one(client, `update audit_entries set ${edit} where (recorded_at, id) in (${ENTRY_AT})`, [
      pick(covered),
    ]);
  },
  'edit an entry and write the chain anew': async ({ client, covered, pick }) => {
    await one(client, `update audit_entries set keys = '{7}' where (recorded_at, id) in (${ENTRY_AT})`, [
      pick(covered),
    ]);
    await rewrite(client);
  },
  'edit a link': ({ client, covered, pick }) =>
    one(client, `update audit_links set hash = sha256(hash) where position = $1`, [pick(covered)]),
  'delete an entry': ({ client, covered, pick }) =>
    one(client, `delete from audit_entries where (recorded_at, id) in (${ENTRY_AT})`, [pick(covered)]),
  'delete a link': ({ client, covered, pick }) =>
    one(client, 'delete from audit_links where position = $1', [pick(covered)]),
  'delete an entry and its link': ({ client, covered, pick }) => removeBoth(client, pick(covered)),
  'delete both, close the gap and write the chain anew': async ({ client, covered, pick }) => {
    const position = pick(covered);
    await removeBoth(client, position);
    await client.query('update audit_links set position = position - 1 where position > $1', [position]);
    await rewrite(client);
  },
  'delete the beginning': ({ client, covered, pick }) =>
    one(client, 'delete from audit_links where position <= $1', [pick(covered)]),
  'insert an entry': ({ client, covered, pick }) =>
    one(
      client,
      `insert into audit_entries (id, recorded_at, xid, events, keys)
       overriding system value
       select e.id + 1000000, e.recorded_at, l.xid, e.events, '{7}'
         from audit_links l join audit_entries e on e.recorded_at = l.recorded_at and e.id = l.entry_id
        where l.position = $1 and l.xid < (select xid from audit_links where position = $2)`,
      // Of an earlier transaction than the last link's: what is newer has only just arrived, and is sealed next.
      [pick(Math.floor(covered / 2)), covered],
    ),
  'insert an entry with a link of its own': async ({ client, covered, pick }) => {
    const position = pick(covered);
    await client.query('update audit_links set position = position + 1 where position >= $1', [position]);
    await client.query(
      `with forged as (
         insert into audit_entries (events, keys) values ('[]', '{7}') returning *)
       insert into audit_links select $1, id, recorded_at, xid, '\\x00' from forged`,
      [position],
    );
    await rewrite(client);
  },
  'swap two entries': async ({ client, covered, pick }) => {
    const first = pick(covered - 1);
    await one(
      client,
      `update audit_entries e set events = other.events
         from audit_links l, audit_links m, audit_entries other
        where e.recorded_at = l.recorded_at and e.id = l.entry_id
          and other.recorded_at = m.recorded_at and other.id = m.entry_id
          and ((l.position = $1 and m.position = $2) or (l.position = $2 and m.position = $1))`,
      [first, first + pick(covered - first)],
    );
  },
  'swap two links': async ({ client, covered, pick }) => {
    const first = pick(covered - 1);
    await one(
      client,
      `update audit_links l set position = $1 + $2 - l.position where l.position in ($1::bigint, $2::bigint)`,
      [first, first + pick(covered - first)],
    );
  },
  'swap two links and write the chain anew': async ({ client, covered, pick }) => {
    const first = pick(covered - 1);
    await one(
      client,
      `update audit_links l set position = $1 + $2 - l.position where l.position in ($1::bigint, $2::bigint)`,
      [first, first + pick(covered - first)],
    );
    await rewrite(client);
  },
  'cut off the end': async ({ client, covered, pick }) => {
    const position = pick(covered);
    await client.query(
      'delete from audit_entries where (recorded_at, id) in (select recorded_at, entry_id from audit_links where position >= $1)',
      [position],
    );
    await one(client, 'delete from audit_links where position >= $1', [position]);
  },
  'cut off the links': ({ client, covered, pick }) =>
    one(client, 'delete from audit_links where position >= $1', [pick(covered)]),
};

/** Whole numbers from 1 to `most`, the same again for the same seed. */
export function picker(seed: number): (most: number) => number {
  const random = randomFrom(seed);
  return (most) => Math.floor(random() * most) + 1;
}
