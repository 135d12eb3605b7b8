import type { LoadResult } from './load.ts';

export const anyOf = <Item>(items: readonly Item[]): Item =>
  items[Math.floor(Math.random() * items.length)] as Item;

export const shuffled = <Item>(items: readonly Item[]): Item[] =>
  items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);

/** How long each answer took, in milliseconds; for ever where it was not the one that was asked for. */
export const waitsMs = ({ latenciesMs, answered }: LoadResult, wanted: string): number[] =>
  latenciesMs.map((ms, index) => (answered[index] === wanted ? ms : Number.POSITIVE_INFINITY));

/** An error is answered fast, and would count as speed. @throws Error when anything else was answered */
export function expectOnly({ statuses }: LoadResult, allowed: readonly string[]): void {
  if (Object.keys(statuses).some((status) => !allowed.includes(status)))
    throw new Error(`answers other than ${allowed.join(', ')}: ${JSON.stringify(statuses)}`);
}
