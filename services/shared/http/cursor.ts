import { z } from 'zod';
import { invalidRequest } from '../problem/problem.ts';
import { instant, localDate, wholeNumber } from '../schema/schema.ts';

/** The last item of a page: what it was sorted by, and its id. */
export interface Position {
  sortKey: string;
  id: string;
}

/** One page of a list: the items' JSON texts, and the cursor of the next page. */
export interface Page {
  items: readonly string[];
  nextCursor: string | null;
  /** The records whose data the items are, where the audit trail keeps that. */
  about?: readonly string[];
}

/** The paging parameters that every list takes. */
export const paging = {
  limit: z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number from 1 to 200')
    .transform(Number)
    .pipe(wholeNumber(1, 200))
    .default(50),
  // Long enough for the longest sort key, which a nextCursor of ours may hold.
  cursor: z.string().max(12_000, 'must be at most 12,000 characters').optional(),
};

/** What a list answers, for the OpenAPI document. */
export const pageSchema = (item: z.ZodType) =>
  z.strictObject({ items: z.array(item), nextCursor: z.string().nullable() });

const content = z.tuple([z.string(), z.string(), z.string()]);
const isUuid = (text: string): boolean => z.guid().safeParse(text).success;

const encode = (order: string, { sortKey, id }: Position): string =>
  Buffer.from(JSON.stringify([order, sortKey, id])).toString('base64url');

export const brokenCursor = () =>
  invalidRequest([
    { parameter: 'cursor', detail: 'must be the nextCursor of a page of this list, sorted in the same way' },
  ]);

/**
 * Where the next page starts.
 * @param isSortKey whether a text is a possible value of what the list is sorted by
 * @param isId whether a text is a possible id of an item, a UUID unless told otherwise
 * @throws invalid-request if the cursor was not made by this list in this order
 */
export function readCursor(
  cursor: string | undefined,
  order: string,
  isSortKey: (text: string) => boolean = () => true,
  isId: (text: string) => boolean = isUuid,
): Position | undefined {
  if (cursor === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw brokenCursor();
  }
  const { success, data } = content.safeParse(parsed);
  if (!success || data[0] !== order) throw brokenCursor();
  const [, sortKey, id] = data;
  if (sortKey.includes('\0') || !sortKey.isWellFormed() || !isSortKey(sortKey) || !isId(id))
    throw brokenCursor();
  return { sortKey, id };
}

/** Whether a text is an instant in UTC, as PostgreSQL prints it or as RFC 3339; PostgreSQL knows fewer offsets than that. */
export const isTimestamp = (text: string): boolean =>
  /(\+00|Z)$/.test(text) && instant.safeParse(text.replace(' ', 'T').replace(/\+00$/, 'Z')).success;

/** Whether a text is a value of a type that lists are sorted by, as PostgreSQL prints it; the database would fail on any other. */
export const isSortKeyOf: Readonly<Record<string, (text: string) => boolean>> = {
  text: () => true,
  timestamptz: isTimestamp,
  timestamp: (text) => /:[0-5]\d(\.\d{1,6})?$/.test(text) && isTimestamp(`${text}Z`),
  date: (text) => localDate.safeParse(text).success,
  uuid: isUuid,
  bigint: (text) => /^[1-9]\d{0,17}$/.test(text),
  integer: (text) => /^-?\d{1,9}$/.test(text),
};

/** Cuts rows, of which one more than `limit` was asked for, into a page. */
export function pageOf(
  rows: readonly (Position & { json: string; about?: string | readonly string[] })[],
  limit: number,
  order: string,
): Page {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const about = new Set(items.flatMap((item) => item.about ?? []));
  return {
    items: items.map(({ json }) => json),
    nextCursor: rows.length > limit && last !== undefined ? encode(order, last) : null,
    ...(about.size === 0 ? {} : { about: [...about] }),
  };
}
