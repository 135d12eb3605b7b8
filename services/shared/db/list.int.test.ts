import { eventually } from '../../testing/eventually.ts';
import type { TestService } from '../../testing/service.ts';
import { startThings, thingList } from '../../testing/things.ts';
import { defineList } from './list.ts';

let service: TestService;
beforeAll(async () => {
  service = await startThings();
  await eventually(() => service.api.get('/readyz').expect(200));
});
afterAll(() => service.stop());
beforeEach(() => service.db.query('truncate things'));

interface Page {
  items: { id: string; name: string }[];
  nextCursor: string | null;
}

const insert = (names: readonly string[], createdAt = 'clock_timestamp()') =>
  service.db.query(
    `insert into things (id, name, created_at) select gen_random_uuid(), name, ${createdAt} from unnest($1::text[]) name`,
    [names],
  );

async function read(query: string, cursor?: string | null): Promise<Page> {
  const { body } = await service.api
    .get(`/things?${query}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`)
    .expect(200);
  return body as Page;
}

/** All pages, one after the other; `between` runs after each. */
async function walk(
  query: string,
  between: (page: Page) => Promise<unknown> = () => Promise.resolve(),
): Promise<string[]> {
  const names: string[] = [];
  let page = await read(query);
  for (;;) {
    names.push(...page.items.map(({ name }) => name));
    await between(page);
    if (page.nextCursor === null) return names;
    page = await read(query, page.nextCursor);
  }
}

const letters = 'abcdefghij'.split('');

test('an empty list is a page without a next', async () => {
  expect(await read('')).toEqual({ items: [], nextCursor: null });
});

test.each(['name', 'createdAt', '-createdAt'])(
  'pages by %s hold every row once, in order, whatever the limit',
  async (order) => {
    await insert(letters);
    const all = (await read(`order=${order}`)).items.map(({ name }) => name);
    expect(all).toEqual(order.startsWith('-') ? letters.toReversed() : letters);
    for (const limit of [1, 3, 5, 9, 10, 200])
      expect(await walk(`order=${order}&limit=${limit}`)).toEqual(all);
  },
);

test('rows with the same sort key are told apart by their id', async () => {
  await insert(letters, `timestamptz '2026-03-02 09:30:00.123456Z'`);
  for (const order of ['createdAt', '-createdAt']) {
    const names = await walk(`order=${order}&limit=3`);
    expect(names).toHaveLength(10);
    expect(new Set(names).size).toBe(10);
  }
});

test('microseconds are not lost between pages', async () => {
  for (const [index, name] of letters.entries())
    await insert([name], `timestamptz '2026-03-02 09:30:00.12345${index}Z'`);
  expect(await walk('order=createdAt&limit=1')).toEqual(letters);
  expect(await walk('order=-createdAt&limit=1')).toEqual(letters.toReversed());
});

test('rows that come and go while a client pages: those that stay are neither skipped nor repeated', async () => {
  const stay = letters.flatMap((letter) => [`${letter}1`, `${letter}5`, `${letter}9`]);
  await insert(stay);
  let round = 0;
  const names = await walk('limit=4', async ({ items }) => {
    round += 1;
    const last = items.at(-1)?.name ?? '';
    // One before the place that was reached, one right behind it, one at the end.
    await insert([`A${round}`, `${last}0`, `z${String(round).padStart(3, '0')}`].slice(0, round < 6 ? 3 : 1));
    await service.db.query(`delete from things where name like 'A%' and name <> $1`, [`A${round}`]);
  });
  expect(names.filter((name) => stay.includes(name))).toEqual(stay);
  expect(new Set(names).size).toBe(names.length);
});

test('the row that a cursor names may be gone', async () => {
  await insert(letters);
  const { nextCursor } = await read('limit=3');
  await service.db.query(`delete from things where name = 'c'`);
  expect((await read('limit=3', nextCursor)).items.map(({ name }) => name)).toEqual(['d', 'e', 'f']);
});

test('names in any script and with quotes page too', async () => {
  const names = ["O'Brien", '"quoted"', 'back\\slash', '名前', '😀', 'percent%20', 'ä', ' '].sort();
  await insert(names);
  expect((await walk('limit=1')).sort()).toEqual(names);
});

describe('422', () => {
  const refuse = async (query: string, parameter: string): Promise<string> => {
    const { body } = await service.api.get(`/things?${query}`).expect(422);
    expect(body.errors).toEqual([{ parameter, detail: expect.any(String) }]);
    return body.errors[0].detail;
  };
  const cursorOf = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64url');
  const ID = '0190a8f0-7c3a-7def-8a3b-0c1d2e3f4a5b';

  test.each(['0', '201', '-1', 'x', '1.5', ''])('limit %j', async (limit) => {
    expect(await refuse(`limit=${limit}`, 'limit')).toBe('must be a whole number from 1 to 200');
  });

  test.each([
    'x',
    '%00',
    cursorOf({}),
    cursorOf(['name', 'a', 'no-uuid']),
    cursorOf(['createdAt', '2026-03-02 09:30:00+00', ID]),
    'x'.repeat(13_000),
  ])('cursor %.40s', async (cursor) => {
    await refuse(`cursor=${cursor}`, 'cursor');
  });

  test.each(['yesterday', '2026-02-31 00:00:00+00', 'infinity', '', '2026-03-02', "'"])(
    'a forged cursor at %j',
    async (sortKey) => {
      await refuse(`order=createdAt&cursor=${cursorOf(['createdAt', sortKey, ID])}`, 'cursor');
    },
  );

  test('a cursor of another order or direction', async () => {
    await insert(letters);
    const { nextCursor } = await read('order=createdAt&limit=1');
    await refuse(`order=-createdAt&cursor=${nextCursor}`, 'cursor');
    await refuse(`order=name&cursor=${nextCursor}`, 'cursor');
  });

  test('repeated limit and cursor, and an unknown order', async () => {
    expect(await refuse('limit=1&limit=1', 'limit')).toBe('must not be repeated');
    await refuse('order=size', 'order');
  });
});

describe('a list whose routes forget to check a cursor', () => {
  // Nothing is asked: the cursor is refused before.
  const db = { query: () => Promise.reject(new Error('was asked')) };
  const list = defineList({
    name: 'test.unchecked',
    json: 'json',
    from: 'from x',
    id: 'id',
    filters: {},
    orders: Object.fromEntries(
      ['timestamptz', 'timestamp', 'uuid', 'date', 'integer'].map((type) => [
        type,
        { expression: 'x', type },
      ]),
    ),
  });
  test.each(['timestamptz', 'timestamp', 'uuid', 'date', 'integer'])(
    'refuses what is no %s',
    async (order) => {
      for (const sortKey of ['x', '', '2026-02-31', '2026-02-31 00:00:00', '1; drop table x', '99999999999'])
        await expect(
          list.page(db, {
            filters: {},
            order,
            limit: 1,
            after: { sortKey, id: '0190a8f0-7c3a-7def-8a3b-0c1d2e3f4a5b' },
          }),
        ).rejects.toMatchObject({ status: 422 });
    },
  );
});

test('every combination of filters is a statement with a name of its own, and an order that is not there is a defect', () => {
  expect(thingList.statementOf(['name'], 'name', false).name).toBe('things/name/0');
  expect(thingList.statementOf(['name', 'note'], 'name', true).name).toBe('things/name/0.1/after');
  expect(() => thingList.statementOf([], 'size', false)).toThrow('size');
});
