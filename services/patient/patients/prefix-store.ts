import { sql } from '../../shared/db/statement.ts';

/** The prefixes under which a patient `p` is found: of each word up to three letters, and of each two words three letters each. */
const PREFIXES = `
  with words as (
         select p.id, p.name_key, word
           from patients p, string_to_table(translate(p.name_key, E'\\t', ''), ' ') as word
          where p.id = any ($1) and word <> ''),
       prefixes as (
         select distinct id, name_key, left(word, letters) as prefix from words, generate_series(1, 3) as letters)
  select prefix, name_key, id from prefixes
   union all
  select a.prefix || ' ' || b.prefix, a.name_key, a.id
    from prefixes a join prefixes b on a.id = b.id and a.prefix < b.prefix
   where length(a.prefix) = 3 and length(b.prefix) = 3`;

/** Lets searches find patients by their present names. */
export const INSERT_PREFIXES = sql<[ids: readonly string[]]>(
  'patients.insert_prefixes',
  `insert into patient_prefixes (prefix, name_key, patient_id) ${PREFIXES}`,
);

/** Lets no search find patients any more; their names must still be those that were inserted. */
export const DELETE_PREFIXES = sql<[ids: readonly string[]]>(
  'patients.delete_prefixes',
  `delete from patient_prefixes f
    using (${PREFIXES}) as old
    where f.prefix = old.prefix and f.name_key = old.name_key and f.patient_id = old.id`,
);
