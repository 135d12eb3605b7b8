import { z } from 'zod';
import { Problem } from '../problem/problem.ts';
import { isTimestamp, pageOf, paging, readCursor } from './cursor.ts';

const ID = '0190a8f0-7c3a-7def-8a3b-0c1d2e3f4a5b';
const row = (sortKey: string, id = ID) => ({ sortKey, id, json: `{"id":"${id}"}` });

/** The cursor that a page of one gives, when there is another. */
const cursorAfter = (sortKey: string, order = 'name'): string =>
  pageOf([row(sortKey), row('later')], 1, order).nextCursor ?? '';

const encode = (content: unknown): string => Buffer.from(JSON.stringify(content)).toString('base64url');

const refusal = (read: () => unknown): unknown => {
  try {
    return read();
  } catch (error) {
    return error instanceof Problem ? error.extra.errors : error;
  }
};

const BROKEN = [
  { parameter: 'cursor', detail: 'must be the nextCursor of a page of this list, sorted in the same way' },
];

test('a page holds at most limit items, and a cursor only when there are more', () => {
  expect(pageOf([], 2, 'name')).toEqual({ items: [], nextCursor: null });
  expect(pageOf([row('a'), row('b')], 2, 'name')).toEqual({
    items: [row('a').json, row('b').json],
    nextCursor: null,
  });
  const page = pageOf([row('a'), row('b'), row('c')], 2, 'name');
  expect(page.items).toHaveLength(2);
  expect(readCursor(page.nextCursor ?? '', 'name')).toEqual({ sortKey: 'b', id: ID });
});

test('a cursor comes back as it was, whatever the sort key holds, and fits into a URL', () => {
  for (const sortKey of [
    '',
    'ärger "quoted" \\',
    '名前'.repeat(100),
    '😀'.repeat(200),
    '2026-03-02 09:30:00.123456+00',
  ]) {
    const cursor = cursorAfter(sortKey);
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(z.strictObject(paging).safeParse({ cursor }).success).toBe(true);
    expect(readCursor(cursor, 'name')).toEqual({ sortKey, id: ID });
  }
});

test('no cursor is the first page', () => expect(readCursor(undefined, 'name')).toBeUndefined());

test.each([
  ['empty', ''],
  ['no base64url', '!!!'],
  ['no JSON', Buffer.from('x').toString('base64url')],
  ['no array', encode({ order: 'name' })],
  ['too short', encode(['name', 'a'])],
  ['too long', encode(['name', 'a', ID, 1])],
  ['without a UUID', encode(['name', 'a', 'x'])],
  ['with a number', encode(['name', 1, ID])],
  ['with NUL', encode(['name', 'a\0', ID])],
  ['with half a surrogate pair', encode(['name', 'a\ud800', ID])],
  ['of another order', encode(['birthDate', 'a', ID])],
  ['of the other direction', encode(['-name', 'a', ID])],
  ['nested deeply', Buffer.from('['.repeat(5_000)).toString('base64url')],
])('422 for a cursor that is %s', (_what, cursor) => {
  expect(refusal(() => readCursor(cursor, 'name'))).toEqual(BROKEN);
});

test('422 for a sort key that the list cannot have', () => {
  expect(refusal(() => readCursor(cursorAfter('yesterday', 'at'), 'at', isTimestamp))).toEqual(BROKEN);
});

test.each([
  ['2026-03-02 09:30:00+00', true],
  ['2026-03-02 09:30:00.123456+00', true],
  ['2026-03-02T09:30:00.123Z', true],
  ['0050-01-01 00:00:00+00', true],
  ['2026-02-31 09:30:00+00', false],
  ['2026-03-02 24:30:00+00', false],
  ['2026-03-02 09:60:00+00', false],
  ['0000-03-02 09:30:00+00', false],
  ['202612-03-02 09:30:00+00', false],
  ['2026-03-02 09:30:00', false],
  // Offsets of RFC 3339 that PostgreSQL does not know.
  ['2026-03-02T09:30:00+20:00', false],
  ['2026-03-02T09:30:00-16:00', false],
  ['2026-03-02 09:30:00+23', false],
  ['infinity', false],
  ['now', false],
])('%s is a timestamp: %s', (text, expected) => expect(isTimestamp(text)).toBe(expected));

test.each([
  [undefined, 50],
  ['1', 1],
  ['200', 200],
  ['0', undefined],
  ['201', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  ['1e2', undefined],
  ['', undefined],
  ['٣', undefined],
  ['9'.repeat(400), undefined],
])('limit %s is read as %s', (limit, expected) => {
  const { data, error } = z.strictObject(paging).safeParse({ limit });
  expect(data?.limit).toBe(expected);
  if (expected === undefined)
    expect(error?.issues.map(({ message }) => message)).toEqual(['must be a whole number from 1 to 200']);
});
