import { createHash } from 'node:crypto';

/** Where the chain ends: the number of the last link, from 1 on, and its hash as hexadecimal digits. */
export interface Tip {
  position: number;
  hash: string;
}

export const GENESIS: Tip = { position: 0, hash: '0'.repeat(64) };

/** The hash of a link: of the hash before it and its entry's digest, so that it stands for everything up to the entry. */
export const linkHash = (previous: string, digest: string): string =>
  createHash('sha256').update(previous, 'hex').update(digest, 'hex').digest('hex');

/** The hashes of entries that follow `previous`, in their order. */
export function linkAll(previous: string, entries: readonly { digest: string }[]): string[] {
  let last = previous;
  return entries.map(({ digest }) => {
    last = linkHash(last, digest);
    return last;
  });
}

/** A link as it is stored, with the digest that its entry has now, if that is there. */
export interface StoredLink extends Tip {
  entryId: string;
  digest: string | undefined;
}

/** The first thing that is not as it was sealed. */
export interface Fault extends Pick<Tip, 'position'> {
  kind: 'removed' | 'inserted' | 'changed' | 'rewritten' | 'cut-off';
  entryId?: string;
}

/**
 * Goes along links that follow `tip`.
 * @param known hashes that a signature vouches for, by position
 * @returns where it got to, or the first fault
 */
export function follow(
  tip: Tip,
  links: readonly StoredLink[],
  known: ReadonlyMap<number, string>,
): { tip: Tip; fault?: Fault } {
  let { position, hash } = tip;
  for (const link of links) {
    const fault = (kind: Fault['kind'], at = link.position) => ({
      tip: { position, hash },
      fault: { kind, position: at, entryId: link.entryId },
    });
    if (link.position > position + 1)
      return { tip: { position, hash }, fault: { kind: 'removed', position: position + 1 } };
    if (link.position <= position) return fault('inserted');
    if (link.digest === undefined) return fault('removed');
    if (linkHash(hash, link.digest) !== link.hash) return fault('changed');
    const vouched = known.get(link.position);
    if (vouched !== undefined && vouched !== link.hash) return fault('rewritten');
    ({ position, hash } = link);
  }
  return { tip: { position, hash } };
}
