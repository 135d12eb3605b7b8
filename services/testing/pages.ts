import type { TestService } from './service.ts';

/** All items of a list, page by page; every page but the last is full. */
export async function allPages<Item = Record<string, unknown>>(
  { api }: Pick<TestService, 'api'>,
  path: string,
  limit: number,
  query: Readonly<Record<string, unknown>> = {},
): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor: string | undefined | null; cursor !== null; ) {
    const { body } = await api
      .get(path)
      .query({ ...query, limit, ...(cursor === undefined ? {} : { cursor }) })
      .expect(200);
    expect(body.items.length).toBeLessThanOrEqual(limit);
    if (body.nextCursor !== null) expect(body.items).toHaveLength(limit);
    items.push(...body.items);
    expect(items.length).toBeLessThan(2_000);
    cursor = body.nextCursor;
  }
  return items;
}
