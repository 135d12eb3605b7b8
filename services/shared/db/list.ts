import { brokenCursor, isSortKeyOf, type Page, type Position, pageOf } from '../http/cursor.ts';
import type { Db } from './database.ts';
import { type Statement, sql } from './statement.ts';

/** A column, or an expression, that lists are sorted by; `text` gives its value in the row's `sortKey`. */
export interface SortOrder {
  expression: string;
  /** The type that the cursor's text is cast to: a key of `isSortKeyOf`. */
  type: string;
  descending?: boolean;
}

export interface ListDefinition {
  name: string;
  /** The expression of the item's JSON text. */
  json: string;
  /** `from …` with its joins. */
  from: string;
  /** The unique column that breaks ties, a UUID unless `idType` says otherwise. */
  id: string;
  idType?: 'uuid' | 'bigint';
  /** The expression of the record whose data an item is, or of an array of them, where the audit trail keeps that. */
  about?: string;
  /** Always true of every item. */
  where?: string;
  /** A condition per filter; `?` stands for the filter's argument. */
  filters: Readonly<Record<string, string>>;
  orders: Readonly<Record<string, SortOrder>>;
}

export interface ListRequest {
  filters: Readonly<Record<string, unknown>>;
  order: string;
  limit: number;
  after?: Position | undefined;
}

type Row = { json: string; id: string; sortKey: string; about?: string | readonly string[] };

function statementText(
  list: ListDefinition,
  filters: readonly string[],
  { expression, type, descending = false }: SortOrder,
  after: boolean,
): string {
  const conditions = [
    list.where ?? 'true',
    ...filters.map((filter, index) => list.filters[filter]?.replaceAll('?', `$${index + 2}`)),
  ];
  const next = filters.length + 2;
  if (after) {
    conditions.push(
      `(${expression}, ${list.id}) ${descending ? '<' : '>'} ($${next}::${type}, $${next + 1}::${list.idType ?? 'uuid'})`,
    );
  }
  const direction = descending ? 'desc' : 'asc';
  const about = list.about === undefined ? '' : `, ${list.about} as about`;
  return `select ${list.json} as json, ${list.id}::text as id, (${expression})::text as "sortKey"${about}
    ${list.from}
    where ${conditions.join(' and ')}
    order by ${expression} ${direction}, ${list.id} ${direction}
    limit $1`;
}

/**
 * Defines a keyset list. A statement is made for each combination of filters that is asked for: conditions on absent
 * filters would keep PostgreSQL from choosing an index.
 * @returns a function that reads one page, and the statement of a combination, for tests and plans
 */
export function defineList(list: ListDefinition) {
  for (const { type } of Object.values(list.orders)) {
    if (!Object.hasOwn(isSortKeyOf, type)) throw new Error(`${list.name}: no cursor is known for ${type}`);
  }
  const statements = new Map<string, Statement<readonly unknown[], Row>>();
  const allFilters = Object.keys(list.filters);

  const statementOf = (
    filters: readonly string[],
    order: string,
    after: boolean,
  ): Statement<readonly unknown[], Row> => {
    const sortOrder = list.orders[order];
    if (sortOrder === undefined) throw new Error(`${list.name} cannot be sorted by ${order}`);
    // The filters by number, because names of all of them would not fit into a statement's name.
    const which = filters.map((filter) => allFilters.indexOf(filter)).join('.');
    const name = `${list.name}/${order}/${which}${after ? '/after' : ''}`;
    let statement = statements.get(name);
    if (statement === undefined) {
      statement = sql<readonly unknown[], Row>(name, statementText(list, filters, sortOrder, after));
      statements.set(name, statement);
    }
    return statement;
  };

  /** @throws invalid-request when the cursor cannot be one of this list */
  const page = async (db: Db, { filters, order, limit, after }: ListRequest): Promise<Page> => {
    const given = allFilters.filter((filter) => filters[filter] !== undefined);
    const statement = statementOf(given, order, after !== undefined);
    const isOurs = ({ sortKey, id }: Position) =>
      isSortKeyOf[list.orders[order]?.type ?? '']?.(sortKey) && isSortKeyOf[list.idType ?? 'uuid']?.(id);
    if (after !== undefined && !isOurs(after)) throw brokenCursor();
    const position = after === undefined ? [] : [after.sortKey, after.id];
    // One row more than asked for tells whether there is a next page.
    const rows = await db.query(statement, [
      limit + 1,
      ...given.map((filter) => filters[filter]),
      ...position,
    ]);
    return pageOf(rows, limit, order);
  };

  /** Defines every order with no filter, each filter and all filters, so that a test can prepare them. */
  const defineAll = () => {
    for (const order of Object.keys(list.orders)) {
      for (const after of [false, true]) {
        for (const filters of [[], allFilters, ...allFilters.map((filter) => [filter])])
          statementOf(filters, order, after);
      }
    }
  };

  return { page, statementOf, defineAll };
}
