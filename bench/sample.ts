import type { LoadResult } from './load.ts';

export const anyOf = <Item>(items: readonly Item[]): Item =>
  items[Math.floor(Math.random() * items.length)] as Item;

export const shuffled = <Item>(items: readonly Item[]): Item[] =>
  items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);

/** An error is answered fast, and would count as speed. @throws Error when anything else was answered */
export function expectOnly({ statuses }: LoadResult, allowed: readonly string[]): void {
  if (Object.keys(statuses).some((status) => !allowed.includes(status)))
    throw new Error(`answers other than ${allowed.join(', ')}: ${JSON.stringify(statuses)}`);
}
