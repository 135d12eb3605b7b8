import { randomFrom } from '../../services/testing/random.ts';

/** So many of the items, or all of them, picked by a seed. @throws Error when the count or the seed is no whole number */
export function picked<Item>(items: readonly Item[], count: number, seed: number): readonly Item[] {
  if (!Number.isInteger(count) || count < 1) throw new Error('--random must be a whole number from 1');
  if (!Number.isInteger(seed)) throw new Error('--seed must be a whole number');
  const random = randomFrom(seed);
  return items
    .map((item) => ({ item, order: random() }))
    .sort((a, b) => a.order - b.order)
    .slice(0, count)
    .map(({ item }) => item);
}
