import type { Db } from '../../shared/db/database.ts';
import type { ListRequest } from '../../shared/db/list.ts';
import type { Page } from '../../shared/http/cursor.ts';
import { indexedPrefix, wordPatterns } from './patient.ts';
import { countFound, deletedList, patientList, prefixList, rarestPrefix } from './search-store.ts';

/** So many patients can be looked up one by one; beyond that, walking along the order finds a page sooner. */
const FEW = 5_000;

/**
 * One page of the patients whose names have a word for each of `words`; each way to read it fits another kind of search:
 * - by name: along the index of the rarest prefix, which is in that order;
 * - few found: each of them, then sorted;
 * - many found, or deleted ones: along the order or another filter, comparing names on the way.
 */
export async function searchPatients(
  db: Db,
  words: readonly string[],
  request: ListRequest,
  deleted: boolean,
): Promise<Page> {
  const patterns = wordPatterns(words);
  const withWords = { ...request, filters: { ...request.filters, words: patterns } };
  if (deleted) return deletedList.page(db, withWords);

  const prefixes = new Set(words.map(indexedPrefix));
  const prefix = await rarestPrefix(db, [...prefixes], FEW);
  const withPrefix = { ...withWords, filters: { ...withWords.filters, prefix } };
  const byNameAlone =
    request.order.endsWith('familyName') &&
    Object.values(request.filters).every((filter) => filter === undefined);
  if (byNameAlone) return prefixList.page(db, withPrefix);

  const found = await countFound(db, prefix, patterns, FEW);
  return found < FEW ? prefixList.page(db, withPrefix) : patientList.page(db, withWords);
}
