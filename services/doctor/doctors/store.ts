import type { Db } from '../../shared/db/database.ts';
import { defineList } from '../../shared/db/list.ts';
import { instantText, lookup, sql } from '../../shared/db/statement.ts';
import type { Representation } from '../../shared/http/answer.ts';
import { notFound } from '../../shared/problem/problem.ts';
import { type Doctor, languageKeys, nameKey, nameWords, specialtyKey } from './doctor.ts';

/** A doctor `d` as it leaves. */
const DOCTOR = `json_strip_nulls(json_build_object(
  'id', d.id,
  'givenName', d.given_name,
  'familyName', d.family_name,
  'specialties', d.specialties,
  'licenseNumber', d.license_number,
  'email', d.email,
  'phone', d.phone,
  'languages', nullif(d.languages, '{}'),
  'timeZone', d.time_zone,
  'version', d.version,
  'createdAt', ${instantText('d.created_at')},
  'updatedAt', ${instantText('d.updated_at')}))::text`;

const REPRESENTATION = `d.id, d.version, ${DOCTOR} as json`;

type Columns = [
  id: string,
  givenName: string,
  familyName: string,
  nameKey: string,
  specialties: readonly string[],
  specialtyKeys: readonly string[],
  licenseNumber: string | undefined,
  email: string | undefined,
  phone: string | undefined,
  languages: readonly string[],
  languageKeys: readonly string[],
  timeZone: string,
  words: readonly string[],
];

const columns = (id: string, doctor: Doctor): Columns => [
  id,
  doctor.givenName,
  doctor.familyName,
  nameKey(doctor),
  doctor.specialties,
  doctor.specialties.map(specialtyKey),
  doctor.licenseNumber,
  doctor.email,
  doctor.phone,
  doctor.languages ?? [],
  languageKeys(doctor.languages),
  doctor.timeZone,
  nameWords(doctor),
];

const INSERT = sql<Columns, Representation>(
  'doctors.insert',
  `with d as (
     insert into doctors (id, given_name, family_name, name_key, specialties, specialty_keys, license_number, email, phone,
                          languages, language_keys, time_zone)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     returning *
   ), words as (
     insert into doctor_words (word, doctor_id) select word, d.id from d, unnest($13::text[]) as word
   )
   select ${REPRESENTATION} from d`,
);

/** @throws duplicate-doctor */
export async function insertDoctor(tx: Db, id: string, doctor: Doctor): Promise<Representation> {
  return only(await tx.query(INSERT, columns(id, doctor)));
}

const UPDATE = sql<Columns, Representation>(
  'doctors.update',
  `with removed as (
     delete from doctor_words where doctor_id = $1 and word <> all ($13::text[])
   ), added as (
     insert into doctor_words (word, doctor_id) select word, $1::uuid from unnest($13::text[]) as word on conflict do nothing
   )
   update doctors d
      set given_name = $2, family_name = $3, name_key = $4, specialties = $5, specialty_keys = $6, license_number = $7,
          email = $8, phone = $9, languages = $10, language_keys = $11, time_zone = $12,
          version = d.version + 1, updated_at = now()
    where d.id = $1
   returning ${REPRESENTATION}`,
);

/** @throws duplicate-doctor */
export async function updateDoctor(tx: Db, id: string, doctor: Doctor): Promise<Representation> {
  return only(await tx.query(UPDATE, columns(id, doctor)));
}

const FIND = lookup<[id: string], Representation>(
  'doctors.find',
  `select ${REPRESENTATION} from doctors d where d.id = $1 and d.deleted_at is null`,
);

/** @throws not-found */
export async function getDoctor(db: Db, id: string): Promise<Representation> {
  return only(await db.query(FIND, [id]));
}

const LOCK = sql<[id: string, deletedToo: boolean], Representation>(
  'doctors.lock',
  `select ${REPRESENTATION} from doctors d where d.id = $1 and (d.deleted_at is null or $2) for no key update`,
);

/** The doctor, kept from changing until the transaction ends. @throws not-found */
export async function lockDoctor(tx: Db, id: string, { deletedToo = false } = {}): Promise<Representation> {
  return only(await tx.query(LOCK, [id, deletedToo]));
}

const EXISTS = lookup<[id: string], { id: string }>(
  'doctors.exists',
  'select id from doctors where id = $1 and deleted_at is null',
);

/** @throws not-found */
export async function requireDoctor(db: Db, id: string): Promise<void> {
  only(await db.query(EXISTS, [id]));
}

const SET_DELETED = sql<[id: string]>(
  'doctors.set_deleted',
  'update doctors set deleted_at = now() where id = $1',
);

export async function setDeleted(tx: Db, id: string): Promise<void> {
  await tx.query(SET_DELETED, [id]);
}

const SET_RESTORED = sql<[id: string], Representation>(
  'doctors.set_restored',
  // One that was not deleted stays as it is.
  `update doctors d
      set deleted_at = null,
          version = case when d.deleted_at is null then d.version else d.version + 1 end,
          updated_at = case when d.deleted_at is null then d.updated_at else now() end
    where d.id = $1
   returning ${REPRESENTATION}`,
);

export async function setRestored(tx: Db, id: string): Promise<Representation> {
  return only(await tx.query(SET_RESTORED, [id]));
}

/** Doctors by name. */
export const doctorList = defineList({
  name: 'doctors.list',
  json: DOCTOR,
  from: 'from doctors d',
  id: 'd.id',
  where: 'd.deleted_at is null',
  filters: {
    // Doctors with a word for each of the prefixes; the last character of Unicode ends the range of a prefix.
    words: `d.id in (
      select w.doctor_id
        from unnest(?::text[]) as prefix
        join doctor_words w on w.word >= prefix and w.word < prefix || chr(1114111)
       group by w.doctor_id
      having count(distinct prefix) = cardinality(?::text[]))`,
    specialtyKey: 'd.specialty_keys @> array[?::text]',
    languageKey: 'd.language_keys @> array[?::text]',
    updatedSince: 'd.updated_at >= ?::timestamptz',
  },
  orders: { name: { expression: 'd.name_key', type: 'text' } },
});

function only<Row>([row]: readonly Row[]): Row {
  if (row === undefined) throw notFound('There is no such doctor.');
  return row;
}
