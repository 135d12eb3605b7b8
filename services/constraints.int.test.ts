import { doctorService } from './doctor/app.ts';
import { type DatabaseName, databaseNames } from './local/databases.ts';
import { patientService } from './patient/app.ts';
import { connectAsOwner, createDatabase } from './testing/postgres.ts';

/** The problems that broken constraints become, as each service declares them. */
const MAPPED: Readonly<Record<DatabaseName, object>> = {
  patient: patientService({ doctorServiceUrl: 'http://127.0.0.1:9' }).constraints,
  doctor: doctorService().constraints,
};

const KEPT_BY_INSERT = '"insert … on conflict" decides, so that it never raises';
const NEW_ID = 'the id was made for this row';
const LOCKED = 'the row that it names was read or locked in the same transaction';
const APPENDED = 'the id, or the position under a lock, is the next one';
const VALIDATED = 'no request passes its schema with such a value';
const OURS = 'only our own statements set it';

/** Why no request can break the others: each is a second net under something that has decided before. */
const UNBREAKABLE: Readonly<Record<DatabaseName, Readonly<Record<string, string>>>> = {
  patient: {
    appointment_revisions_appointment_fkey: LOCKED,
    appointment_revisions_hold_time: VALIDATED,
    appointment_revisions_outcome_known: OURS,
    appointment_revisions_pkey: KEPT_BY_INSERT,
    patient_times_no_overlap: `${KEPT_BY_INSERT}: no row came back means patient-busy`,
    patient_identifiers_key: `${KEPT_BY_INSERT}: a row that did not come back means duplicate-patient`,
    appointments_answered_in_order: OURS,
    audit_entries_pkey: APPENDED,
    audit_links_entry_key: APPENDED,
    audit_links_pkey: APPENDED,
    appointments_contradiction_known: OURS,
    appointments_patient_fkey: LOCKED,
    appointments_pkey: NEW_ID,
    appointments_status_known: OURS,
    appointments_time_runs_forward: VALIDATED,
    history_appointment_fkey:
      'the appointment is looked up in the same transaction, and none is ever deleted',
    history_kind_known: VALIDATED,
    history_patient_fkey: LOCKED,
    history_pkey: NEW_ID,
    history_severity_known: VALIDATED,
    history_supersedes_fkey: LOCKED,
    idempotency_keys_answered_or_to_be: OURS,
    idempotency_keys_pkey: KEPT_BY_INSERT,
    migrations_pkey: 'the service cannot write it',
    patient_identifiers_patient_fkey: LOCKED,
    patient_prefixes_patient_fkey: LOCKED,
    patient_prefixes_pkey: 'the prefixes of a name are a set',
    patient_versions_patient_fkey: LOCKED,
    patient_versions_pkey: 'the version grows with the locked row',
    patients_gender_known: VALIDATED,
    patients_pkey: NEW_ID,
  },
  doctor: {
    audit_entries_pkey: APPENDED,
    audit_links_entry_key: APPENDED,
    audit_links_pkey: APPENDED,
    doctor_words_doctor_fkey: LOCKED,
    doctor_words_pkey: 'the words of a name are a set',
    doctors_pkey: NEW_ID,
    exceptions_doctor_fkey: LOCKED,
    exceptions_kind_known: VALIDATED,
    exceptions_pkey: NEW_ID,
    exceptions_time_runs_forward: VALIDATED,
    idempotency_keys_answered_or_to_be: OURS,
    idempotency_keys_pkey: KEPT_BY_INSERT,
    migrations_pkey: 'the service cannot write it',
    reservations_end_in_time: VALIDATED,
    reservations_no_overlap: `${KEPT_BY_INSERT}: no row came back means slot-taken`,
    reservations_pkey: KEPT_BY_INSERT,
    reservations_state_known: OURS,
    reservations_take_time: VALIDATED,
    schedules_doctor_fkey: LOCKED,
    schedules_pkey: KEPT_BY_INSERT,
  },
};

// A month of the audit trail has the constraints of its parent. Of a NOT NULL the schema and the types of the statements take care.
const NAMES = `
  select conname as name from pg_constraint
   where connamespace = 'public'::regnamespace and contype <> 'n' and conparentid = 0
     and not exists (select from pg_class t where t.oid = conrelid and t.relispartition)
  union
  select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
   where i.indisunique and c.relnamespace = 'public'::regnamespace and not c.relispartition`;

test.each(databaseNames)(
  'each constraint of the %s database is a problem, or nothing that a request can break',
  async (service) => {
    const database = await createDatabase(service);
    const client = await connectAsOwner(database);
    const { rows } = await client.query<{ name: string }>(NAMES);
    await client.end();
    await database.drop();
    const known = [...Object.keys(MAPPED[service]), ...Object.keys(UNBREAKABLE[service])];
    expect(new Set(known).size).toBe(known.length);
    expect(known.sort()).toEqual(rows.map(({ name }) => name).sort());
  },
);
