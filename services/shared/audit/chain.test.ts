import fc from 'fast-check';
import { anEvent } from '../../testing/audit-trail.ts';
import { follow, GENESIS, linkAll, type StoredLink } from './chain.ts';
import type { StoredEntry } from './entry.ts';

const entry = (id: number, more: Partial<StoredEntry> = {}): StoredEntry => ({
  id: String(id),
  recordedAt: '2026-11-22T10:00:00.000000Z',
  xid: '700',
  events: JSON.stringify([anEvent()]),
  about: '{}',
  subjects: '{someone}',
  ...more,
});

const chainOf = (entries: readonly StoredEntry[]): StoredLink[] => {
  const hashes = linkAll(GENESIS.hash, entries);
  return entries.map((each, index) => ({
    position: index + 1,
    hash: hashes[index] ?? '',
    entryId: each.id,
    entry: each,
  }));
};
const tenEntries = Array.from({ length: 10 }, (_, index) => entry(index + 1));
const known = new Map<number, string>();

test('a chain as it was made has no fault, walked whole or in any pieces', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), (size) => {
      const links = chainOf(tenEntries);
      let tip = GENESIS;
      for (let start = 0; start < links.length; start += size) {
        const followed = follow(tip, links.slice(start, start + size), known);
        expect(followed.fault).toBeUndefined();
        ({ tip } = followed);
      }
      expect(tip).toEqual({ position: 10, hash: links.at(-1)?.hash });
    }),
  );
});

test('a change of any member of any entry is found at its position', () => {
  const members: Partial<StoredEntry>[] = [
    { events: JSON.stringify([anEvent({ status: 404 })]) },
    { about: '{x}' },
    { subjects: '{other}' },
    { recordedAt: '2026-11-22T10:00:00.000001Z' },
    { xid: '701' },
    { id: '99' },
  ];
  expect(members.map((member) => Object.keys(member)[0]).sort()).toEqual(Object.keys(entry(1)).sort());
  for (const member of members) {
    const links = chainOf(tenEntries);
    links[4] = { ...(links[4] as StoredLink), entry: entry(5, member) };
    expect(follow(GENESIS, links, known).fault).toEqual({ kind: 'changed', position: 5, entryId: '5' });
  }
});

const links = chainOf(tenEntries);
const at = (index: number) => links[index] as StoredLink;
test.each<[string, StoredLink[], object]>([
  ['an entry that is gone', links.with(3, { ...at(3), entry: undefined }), { kind: 'removed', position: 4 }],
  ['a link that is gone', links.toSpliced(3, 1), { kind: 'removed', position: 4 }],
  ['a link too many', links.toSpliced(3, 0, at(2)), { kind: 'inserted', position: 3 }],
  [
    'two that changed places',
    links.with(3, { ...at(4), position: 4 }).with(4, { ...at(3), position: 5 }),
    { kind: 'changed', position: 4 },
  ],
])('%s is named', (_what, bent, fault) => {
  expect(follow(GENESIS, bent, known).fault).toMatchObject(fault);
});

test('a chain that was written anew has no fault in itself, and is found by the hash that a signature vouches for', () => {
  const anew = chainOf(tenEntries.with(4, entry(5, { subjects: '{nobody}' })));
  expect(follow(GENESIS, anew, known).fault).toBeUndefined();
  expect(follow(GENESIS, anew, new Map([[7, at(6).hash]])).fault).toMatchObject({
    kind: 'rewritten',
    position: 7,
  });
});
