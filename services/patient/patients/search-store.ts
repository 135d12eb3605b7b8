import type { Db } from '../../shared/db/database.ts';
import { defineList, type ListDefinition } from '../../shared/db/list.ts';
import { sql } from '../../shared/db/statement.ts';
import { hasPatient, PATIENT } from './store.ts';

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

/** Of a patient under a prefix: the prefix, and after it the patterns of all words that are searched for. */
const FOUND = `f.prefix = (?::text[])[1] and f.name_key like all ((?::text[])[2:])`;

// `any (array (select …))` hides how many there are: they are looked up one by one, whatever the planner knows of the rest.
const filters = {
  found: `p.id = any (array (select f.patient_id from patient_prefixes f where ${FOUND}))`,
  identifier: `p.id = any (array (
    select i.patient_id from patient_identifiers i where i.system = (?::text[])[1] and i.value = (?::text[])[2]))`,
  phoneDigits: 'p.id = any (array (select o.id from patients o where o.phone_digits = ?))',
  email: 'p.id = any (array (select o.id from patients o where lower(o.email) = lower(?)))',
  // A full stop is the character after the hyphen: all that begins with the date, and then what was given as exactly.
  birthDate: `p.birth_start >= ? and p.birth_start < ? || '.' and starts_with(p.birth_date, ?)`,
  updatedSince: 'p.updated_at >= ?::timestamptz',
  ofDoctor: hasPatient('p.id', '?'),
  // A subselect does not look selective: without another filter the planner walks along the order.
  words: '(select bool_and(p.name_key like pattern) from unnest(?::text[]) as pattern)',
};

const patients: Omit<ListDefinition, 'name'> = {
  json: `${PATIENT}::text`,
  from: 'from patients p',
  id: 'p.id',
  about: 'p.id',
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

const byName = { expression: 'f.name_key', type: 'text' };

/** Patients under one prefix, along its index: it is in the order of names and knows their other words. */
export const prefixList = defineList({
  name: 'patients.by_prefix',
  json: `(select ${PATIENT}::text from patients p where p.id = f.patient_id)`,
  from: 'from patient_prefixes f',
  id: 'f.patient_id',
  about: 'f.patient_id',
  filters: {
    found: FOUND,
    updatedSince:
      'exists (select from patients p where p.id = f.patient_id and p.updated_at >= ?::timestamptz)',
    ofDoctor: hasPatient('f.patient_id', '?'),
  },
  orders: { familyName: byName, '-familyName': { ...byName, descending: true } },
});

const FIND_RAREST = sql<[prefixes: readonly string[], atMost: number], { prefix: string }>(
  'patients.find_rarest_prefix',
  `select given.prefix
     from unnest($1::text[]) as given (prefix)
    order by (select count(*) from (select from patient_prefixes f where f.prefix = given.prefix limit $2) as counted),
             length(given.prefix) desc
    limit 1`,
);

/** The prefix that the fewest patients have, when so many are counted in all; the longest of equals. */
export async function rarestPrefix(db: Db, prefixes: readonly string[], inAll: number): Promise<string> {
  const [first = ''] = prefixes;
  if (prefixes.length === 1) return first;
  const [row] = await db.query(FIND_RAREST, [prefixes, Math.ceil(inAll / prefixes.length)]);
  return row?.prefix ?? first;
}

const COUNT_FOUND = sql<[found: readonly string[], atMost: number], { count: number }>(
  'patients.count_found',
  `select count(*)
     from (select from patient_prefixes f where ${FOUND.replaceAll('?', '$1')} limit $2) as counted`,
);

/** How many patients a search finds, counted up to a bound. */
export async function countFound(db: Db, found: readonly string[], atMost: number): Promise<number> {
  const [row] = await db.query(COUNT_FOUND, [found, atMost]);
  return row?.count ?? 0;
}
