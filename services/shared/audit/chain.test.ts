import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { follow, GENESIS, linkAll, type StoredLink } from './chain.ts';

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

const chainOf = (digests: readonly string[]): StoredLink[] => {
  const hashes = linkAll(
    GENESIS.hash,
    digests.map((digest) => ({ digest })),
  );
  return digests.map((digest, index) => ({
    position: index + 1,
    hash: hashes[index] ?? '',
    entryId: String(index + 1),
    digest,
  }));
};
const tenEntries = Array.from({ length: 10 }, (_, index) => digestOf(`entry ${index}`));
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

test('a change of any entry is found at its position', () => {
  for (let index = 0; index < tenEntries.length; index += 1) {
    const links = chainOf(tenEntries);
    links[index] = { ...(links[index] as StoredLink), digest: digestOf('another') };
    const fault = { kind: 'changed', position: index + 1, entryId: String(index + 1) };
    expect(follow(GENESIS, links, known).fault).toEqual(fault);
  }
});

const links = chainOf(tenEntries);
const at = (index: number) => links[index] as StoredLink;
test.each<[string, StoredLink[], object]>([
  ['an entry that is gone', links.with(3, { ...at(3), digest: undefined }), { kind: 'removed', position: 4 }],
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
  const anew = chainOf(tenEntries.with(4, digestOf('another')));
  expect(follow(GENESIS, anew, known).fault).toBeUndefined();
  expect(follow(GENESIS, anew, new Map([[7, at(6).hash]])).fault).toMatchObject({
    kind: 'rewritten',
    position: 7,
  });
});
