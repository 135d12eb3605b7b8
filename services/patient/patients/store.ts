import { isDeepStrictEqual } from 'node:util';
import type { Db } from '../../shared/db/database.ts';
import { instantText, lookup, sql } from '../../shared/db/statement.ts';
import type { Representation } from '../../shared/http/answer.ts';
import { notFound } from '../../shared/problem/problem.ts';
import { isLimited, type Scope, type ScopedId, scoped } from '../access.ts';
import { digitsOf, type Identifier, identifierTaken, nameKey, type Patient } from './patient.ts';
import { DELETE_PREFIXES, INSERT_PREFIXES } from './prefix-store.ts';

/** A patient `p` as it leaves: JSON text. */
export const PATIENT = `json_strip_nulls(json_build_object(
  'id', p.id,
  'familyName', p.family_name,
  'givenName', p.given_name,
  'birthDate', p.birth_date,
  'gender', p.gender,
  'phone', p.phone,
  'email', p.email,
  'address', p.address,
  'identifiers', (
    select json_agg(json_build_object('system', i.system, 'value', i.value) order by i.position)
      from patient_identifiers i
     where i.patient_id = p.id),
  'emergencyContact', p.emergency_contact,
  'version', p.version,
  'createdAt', ${instantText('p.created_at')},
  'updatedAt', ${instantText('p.updated_at')},
  'deletedAt', ${instantText('p.deleted_at')}))`;

/** A doctor has the patients of whom the two have such an appointment. */
export const hasPatient = (patientId: string, doctorId: string): string => `exists (
  select from appointments had
   where had.patient_id = ${patientId} and had.doctor_id = ${doctorId}
     and had.status in ('booked', 'arrived', 'in-progress', 'fulfilled', 'noshow'))`;

/** What must hold before a key's first answer is told again: the patient is still within the scope. */
export const stillReaches =
  (patientId: string, scope: Scope) =>
  async (tx: Db): Promise<void> => {
    if (isLimited(scope)) await requirePatient(tx, patientId, scope);
  };

/** Whether a patient is within a scope, whose two ids are the parameters from this number on. */
export const withinScope = (id: string, parameter: number): string =>
  `($${parameter}::uuid is null or ${id} = $${parameter})
   and ($${parameter + 1}::uuid is null or ${hasPatient(id, `$${parameter + 1}`)})`;

const READABLE = `p.id = $1 and p.deleted_at is null and ${withinScope('p.id', 2)}`;

// Apart from the one within a scope, whose condition on appointments costs as much as the rest, also when it need not hold.
const FIND = lookup<[id: string], Representation>(
  'patients.find',
  `select p.id, ${PATIENT}::text as json, p.version from patients p where p.id = $1 and p.deleted_at is null`,
);

const FIND_WITHIN = lookup<ScopedId, Representation>(
  'patients.find_within',
  `select p.id, ${PATIENT}::text as json, p.version from patients p where ${READABLE}`,
);

/** @throws not-found, also when the patient is deleted or not within the scope */
export async function getPatient(db: Db, id: string, scope: Scope): Promise<Representation> {
  return present(
    isLimited(scope) ? await db.query(FIND_WITHIN, scoped(id, scope)) : await db.query(FIND, [id]),
  );
}

const EXISTS = lookup<ScopedId, { id: string }>(
  'patients.exists',
  `select id from patients p where ${READABLE}`,
);

/** @throws not-found, also when the patient is deleted or not within the scope */
export async function requirePatient(db: Db, id: string, scope: Scope): Promise<void> {
  present(await db.query(EXISTS, scoped(id, scope)));
}

const KEEP = sql<ScopedId, { id: string }>(
  'patients.keep',
  `select id from patients p where ${READABLE} for key share`,
);

/**
 * Keeps a patient from being deleted until the transaction ends.
 * @throws not-found, also when the patient is deleted or not within the scope
 */
export async function keepPatient(tx: Db, id: string, scope: Scope): Promise<void> {
  present(await tx.query(KEEP, scoped(id, scope)));
  // What makes a patient a doctor's may have ended while this waited for the row.
  if (isLimited(scope)) await requirePatient(tx, id, scope);
}

const LOCK = sql<ScopedId, { id: string }>(
  'patients.lock',
  `select id from patients p where ${READABLE} for no key update`,
);

/**
 * The patient, kept from changing until the transaction ends.
 * It is read after it was locked: one statement for both would show identifiers from before it waited.
 * @throws not-found, also when the patient is deleted or not within the scope
 */
export async function lockPatient(tx: Db, id: string, scope: Scope): Promise<Representation> {
  present(await tx.query(LOCK, scoped(id, scope)));
  return getPatient(tx, id, scope);
}

export interface Presence {
  version: number;
  deleted: boolean;
}

const LOCK_PRESENCE = sql<[id: string], Presence>(
  'patients.lock_presence',
  'select version, deleted_at is not null as deleted from patients where id = $1 for update',
);

/**
 * Keeps a patient, deleted or not, from changing and from new appointments until the transaction ends.
 * @throws not-found
 */
export async function lockPresence(tx: Db, id: string): Promise<Presence> {
  return present(await tx.query(LOCK_PRESENCE, [id]));
}

const LATEST_TODAY = sql<[], { today: string }>(
  'patients.latest_today',
  // POSIX signs: this zone is fourteen hours ahead of UTC, where each day begins first.
  `select to_char(now() at time zone 'Etc/GMT-14', 'YYYY-MM-DD') as today`,
);

/** The day that it is, or will first be, anywhere on earth; by the database's clock. */
export async function latestToday(tx: Db): Promise<string> {
  return present(await tx.query(LATEST_TODAY, [])).today;
}

type Columns = [
  id: string,
  familyName: string,
  givenName: string | undefined,
  nameKey: string,
  birthDate: string,
  gender: string | undefined,
  phone: string | undefined,
  phoneDigits: string | undefined,
  email: string | undefined,
  address: string | undefined,
  emergencyContact: string | undefined,
];

const columns = (id: string, patient: Patient): Columns => [
  id,
  patient.familyName,
  patient.givenName,
  nameKey(patient),
  patient.birthDate,
  patient.gender,
  patient.phone,
  patient.phone && digitsOf(patient.phone),
  patient.email,
  jsonOf(patient.address),
  jsonOf(patient.emergencyContact),
];

/** JSON of the members that have a value, if any has. */
function jsonOf(members: Readonly<Record<string, unknown>> = {}): string | undefined {
  const given = Object.entries(members).filter(([, value]) => !Array.isArray(value) || value.length > 0);
  return given.length === 0 ? undefined : JSON.stringify(Object.fromEntries(given));
}

const INSERT = sql<Columns>(
  'patients.insert',
  `insert into patients (id, family_name, given_name, name_key, birth_date, gender, phone, phone_digits, email, address,
                         emergency_contact)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
);

const UPDATE = sql<Columns>(
  'patients.update',
  // A transaction that began earlier may commit later: the last change must not look older than the one before.
  `update patients
      set family_name = $2, given_name = $3, name_key = $4, birth_date = $5, gender = $6, phone = $7, phone_digits = $8,
          email = $9, address = $10, emergency_contact = $11,
          version = version + 1, updated_at = greatest(now(), updated_at)
    where id = $1`,
);

/** @throws duplicate-patient */
export async function insertPatient(tx: Db, id: string, patient: Patient): Promise<void> {
  await tx.query(INSERT, columns(id, patient));
  await insertIdentifiers(tx, id, patient.identifiers);
  await tx.query(INSERT_PREFIXES, [[id]]);
}

/** Sets all members of a patient that the transaction has locked. @throws duplicate-patient */
export async function updatePatient(tx: Db, id: string, before: Patient, patient: Patient): Promise<void> {
  const renamed = nameKey(before) !== nameKey(patient);
  if (renamed) await tx.query(DELETE_PREFIXES, [[id]]);
  await tx.query(UPDATE, columns(id, patient));
  if (renamed) await tx.query(INSERT_PREFIXES, [[id]]);
  if (isDeepStrictEqual(before.identifiers, patient.identifiers)) return;
  await tx.query(DELETE_IDENTIFIERS, [id]);
  await insertIdentifiers(tx, id, patient.identifiers);
}

const DELETE_IDENTIFIERS = sql<[id: string]>(
  'patients.delete_identifiers',
  'delete from patient_identifiers where patient_id = $1',
);

const INSERT_IDENTIFIERS = sql<
  [id: string, systems: readonly string[], values: readonly string[]],
  { position: number }
>(
  'patients.insert_identifiers',
  // In one order for all, so that two patients who want each other's identifiers do not wait for each other. Not a plain insert:
  // the error that it raises quotes the identifier in the database's log.
  `insert into patient_identifiers (system, value, patient_id, position)
   select system, value, $1, position
     from unnest($2::text[], $3::text[]) with ordinality as given (system, value, position)
    order by system, value
   on conflict on constraint patient_identifiers_key do nothing
   returning position`,
);

/** @throws duplicate-patient */
async function insertIdentifiers(tx: Db, id: string, identifiers: readonly Identifier[] = []): Promise<void> {
  if (identifiers.length === 0) return;
  const systems = identifiers.map(({ system }) => system);
  const values = identifiers.map(({ value }) => value);
  const inserted = await tx.query(INSERT_IDENTIFIERS, [id, systems, values]);
  if (inserted.length < identifiers.length) throw identifierTaken();
}

const SET_DELETED = sql<[id: string, deleted: boolean]>(
  'patients.set_deleted',
  `update patients
      set deleted_at = case when $2 then now() end, version = version + 1, updated_at = greatest(now(), updated_at)
    where id = $1`,
);

/** Deletes or restores a patient whom the transaction has locked. Searches by prefix do not look at what is deleted. */
export async function setDeleted(tx: Db, id: string, deleted: boolean): Promise<void> {
  await tx.query(SET_DELETED, [id, deleted]);
  await tx.query(deleted ? DELETE_PREFIXES : INSERT_PREFIXES, [[id]]);
}

const HAS_UPCOMING = sql<[id: string], { upcoming: boolean }>(
  'patients.has_upcoming_appointments',
  `select exists (
     select from appointments
      where patient_id = $1
        and (answered_revision < revision
             or (status in ('pending', 'booked', 'arrived', 'in-progress') and ends_at > now()))) as upcoming`,
);

/** Whether an appointment of the patient is still to come or to be settled. */
export async function hasUpcoming(tx: Db, id: string): Promise<boolean> {
  return present(await tx.query(HAS_UPCOMING, [id])).upcoming;
}

function present<Row>([row]: readonly Row[]): Row {
  if (row === undefined) throw notFound('There is no such patient.');
  return row;
}
