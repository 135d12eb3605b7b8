import type { Db } from '../../shared/db/database.ts';
import type { ListRequest } from '../../shared/db/list.ts';
import type { Page } from '../../shared/http/cursor.ts';
import { indexedPrefixes, wordPatterns } from './patient.ts';
import { countFound, deletedList, patientList, prefixList, rarestPrefix } from './search-store.ts';

/** So many patients are soon looked up one by one; when there are more, a page is found sooner by walking along the order. */
const FEW = 5_000;

/** Filters that let few patients pass, whatever the search finds. */
const NARROW = ['identifier', 'phoneDigits', 'email', 'birthDate'];

/** One page of the patients whose names have a word for each of `words`, and whom the other filters of the request let pass. */
export async function searchPatients(
  db: Db,
  words: readonly string[],
  request: ListRequest,
  deleted: boolean,
): Promise<Page> {
  const { filters, order } = request;
  const patterns = wordPatterns(words);
  const comparing = { ...request, filters: { ...filters, words: patterns } };
  if (deleted) return deletedList.page(db, comparing);
  if (NARROW.some((filter) => filters[filter] !== undefined)) return patientList.page(db, comparing);

  const found = [await rarestPrefix(db, indexedPrefixes(words), 2 * FEW), ...patterns];
  const finding = { ...request, filters: { ...filters, found } };
  if (order.endsWith('familyName')) return prefixList.page(db, finding);
  return patientList.page(db, (await countFound(db, found, FEW)) < FEW ? finding : comparing);
}
