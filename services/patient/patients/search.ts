import type { Db } from '../../shared/db/database.ts';
import type { ListRequest } from '../../shared/db/list.ts';
import type { Page } from '../../shared/http/cursor.ts';
import { indexedPrefix, wordPatterns } from './patient.ts';
import { deletedList, findIds, patientList, prefixList, rarestPrefix } from './search-store.ts';

/** So many patients are soon looked up one by one; when there are more, a page is found sooner by walking along the order. */
const FEW = 2_000;

/** One page of the patients whose names have a word for each of `words`, and whom the other filters of the request let pass. */
export async function searchPatients(
  db: Db,
  words: readonly string[],
  request: ListRequest,
  deleted: boolean,
): Promise<Page> {
  const patterns = wordPatterns(words);
  const { filters, order } = request;
  const along = { ...request, filters: { ...filters, words: patterns } };
  if (deleted) return deletedList.page(db, along);

  const prefixes = new Set(words.map(indexedPrefix));
  const prefix = await rarestPrefix(db, [...prefixes], FEW);
  const byNameAlone =
    order.endsWith('familyName') && Object.values(filters).every((filter) => filter === undefined);
  if (byNameAlone) return prefixList.page(db, { ...request, filters: { prefix, words: patterns } });

  const ids = await findIds(db, prefix, patterns, FEW);
  return patientList.page(db, ids.length < FEW ? { ...request, filters: { ...filters, ids } } : along);
}
