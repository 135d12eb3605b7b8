import type { Answer } from '../api-client.ts';

/** The body of an answer that has one of the expected statuses. Throws when it has another one. */
export function expectStatus<Body>(what: string, answer: Answer, ...statuses: readonly number[]): Body {
  if (!statuses.includes(answer.status)) {
    throw new Error(
      `The demo clinic was not loaded: ${what} was answered ${answer.status} ${JSON.stringify(answer.body)}`,
    );
  }
  return answer.body as Body;
}

export interface Identified {
  id: string;
}

export interface Page<Item> {
  items: Item[];
}

/** As many calls at once as keep both services busy without crowding them. */
const AT_ONCE = 8;

/** Does the work for every item, some of it at the same time; the results are in the order of the items. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const left = items.entries();
  const worker = async () => {
    for (const [index, item] of left) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}
