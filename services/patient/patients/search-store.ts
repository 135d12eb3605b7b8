import type { Db } from '../../shared/db/database.ts';
import { defineList, type ListDefinition } from '../../shared/db/list.ts';
import { sql } from '../../shared/db/statement.ts';
import { PATIENT } from './store.ts';

const orders: ListDefinition['orders'] = {
  familyName: { expression: 'p.name_key', type: 'text' },
  '-familyName': { expression: 'p.name_key', type: 'text', descending: true },
  birthDate: { expression: 'p.birth_start', type: 'text' },
  '-birthDate': { expression: 'p.birth_start', type: 'text', descending: true },
  createdAt: { expression: 'p.created_at', type: 'timestamptz' },
  '-createdAt': { expression: 'p.created_at', type: 'timestamptz', descending: true },
  updatedAt: { expression: 'p.updated_at', type: 'timestamptz' },
  '-updatedAt': { expression: 'p.updated_at', type: 'timestamptz', descending: true },
};

const filters = {
  words: `' ' || p.name_key like all (?::text[])`,
  // A full stop is the character after the hyphen: all that begins with the date, and then what was given as exactly.
  birthDate: `p.birth_start >= ? and p.birth_start < ? || '.' and starts_with(p.birth_date, ?)`,
  identifier: `p.id in (
    select i.patient_id from patient_identifiers i where i.system = (?::text[])[1] and i.value = (?::text[])[2])`,
  phoneDigits: 'p.phone_digits = ?',
  email: 'lower(p.email) = lower(?)',
  updatedSince: 'p.updated_at >= ?::timestamptz',
};

const patients: Omit<ListDefinition, 'name'> = {
  json: `${PATIENT}::text`,
  from: 'from patients p',
  id: 'p.id',
  where: 'p.deleted_at is null',
  filters,
  orders,
};

/** Patients who are not deleted. */
export const patientList = defineList({ ...patients, name: 'patients.list' });

/** Deleted patients. */
export const deletedList = defineList({
  ...patients,
  name: 'patients.deleted',
  where: 'p.deleted_at is not null',
});

const byNameOfPrefix = { expression: 'f.name_key', type: 'text' };

/** Patients under one prefix. By name they come in the order of its index, which also knows the other words. */
export const prefixList = defineList({
  ...patients,
  name: 'patients.prefix',
  from: 'from patient_prefixes f join patients p on p.id = f.patient_id and p.name_key = f.name_key',
  id: 'f.patient_id',
  filters: { prefix: 'f.prefix = ?', ...filters, words: `' ' || f.name_key like all (?::text[])` },
  orders: {
    ...orders,
    familyName: byNameOfPrefix,
    '-familyName': { ...byNameOfPrefix, descending: true },
  },
});

const RAREST = sql<[prefixes: readonly string[], atMost: number], { prefix: string }>(
  'patients.rarest_prefix',
  `select given.prefix
     from unnest($1::text[]) as given (prefix)
    order by (select count(*) from (select from patient_prefixes f where f.prefix = given.prefix limit $2) as counted),
             length(given.prefix) desc
    limit 1`,
);

/** The prefix that the fewest patients have, when they are counted up to a bound; the longest of equals. */
export async function rarestPrefix(db: Db, prefixes: readonly string[], atMost: number): Promise<string> {
  const [first = ''] = prefixes;
  if (prefixes.length === 1) return first;
  const [row] = await db.query(RAREST, [prefixes, atMost]);
  return row?.prefix ?? first;
}

const COUNT_FOUND = sql<[prefix: string, patterns: readonly string[], atMost: number], { found: number }>(
  'patients.count_found',
  `select count(*) as found
     from (select from patient_prefixes f
            where f.prefix = $1 and ' ' || f.name_key like all ($2::text[])
            limit $3) as counted`,
);

/** How many patients, deleted ones included, a search finds; counted up to a bound. */
export async function countFound(
  db: Db,
  prefix: string,
  patterns: readonly string[],
  atMost: number,
): Promise<number> {
  const [row] = await db.query(COUNT_FOUND, [prefix, patterns, atMost]);
  return row?.found ?? 0;
}
