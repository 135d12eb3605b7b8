import type { Db } from '../../shared/db/database.ts';
import { defineList } from '../../shared/db/list.ts';
import { instantText, lookup, sql } from '../../shared/db/statement.ts';
import type { Representation } from '../../shared/http/answer.ts';
import { type Scope, type ScopedId, scoped } from '../access.ts';
import type { Status } from './appointment.ts';

const minutesBetween = (start: string, end: string) =>
  `(extract(epoch from ${end} - ${start}) / 60)::integer`;

/**
 * An appointment's JSON text. `requested` and `lastChange` come from its revisions; a statement that changes those itself
 * says what they become, because it cannot see its own changes.
 */
export const appointmentJson = ({
  requested,
  lastChange,
}: {
  requested?: string;
  lastChange?: string;
} = {}): string =>
  `json_strip_nulls(json_build_object(
    'id', a.id,
    'patientId', a.patient_id,
    'doctorId', a.doctor_id,
    'startsAt', ${instantText('a.starts_at')},
    'endsAt', ${instantText('a.ends_at')},
    'durationMinutes', ${minutesBetween('a.starts_at', 'a.ends_at')},
    'status', a.status,
    'revision', a.revision,
    'settled', a.answered_revision = a.revision,
    'requested', ${requested ?? REQUESTED},
    'lastChange', ${lastChange ?? LAST_CHANGE},
    'reason', a.reason,
    'notes', a.notes,
    'cancellation', a.cancellation,
    'version', a.version,
    'createdAt', ${instantText('a.created_at')},
    'updatedAt', ${instantText('a.updated_at')}))::text`;

// The first revision's wish is the appointment's own time; a cancellation wishes for none.
const REQUESTED = `case when a.answered_revision < a.revision and a.revision > 1 then (
      select json_build_object(
               'doctorId', r.doctor_id,
               'startsAt', ${instantText('r.starts_at')},
               'endsAt', ${instantText('r.ends_at')},
               'durationMinutes', ${minutesBetween('r.starts_at', 'r.ends_at')})
        from appointment_revisions r
       where r.appointment_id = a.id and r.revision = a.revision and r.doctor_id is not null) end`;

const LAST_CHANGE = `(
      select json_build_object('revision', r.revision, 'outcome', r.outcome, 'reason', r.reason)
        from appointment_revisions r
       where r.appointment_id = a.id and r.revision = a.answered_revision)`;

/** An appointment `a` as its statements return it. */
const REPRESENTATION = `a.id, ${appointmentJson()} as json, a.version, a.patient_id as about`;

// The appointments of a deleted patient are not to be seen.
const OF_PRESENT_PATIENT = 'join patients p on p.id = a.patient_id and p.deleted_at is null';

const REACHED = `a.id = $1 and ($2::uuid is null or a.patient_id = $2) and ($3::uuid is null or a.doctor_id = $3)`;

const FIND = lookup<ScopedId, Representation>(
  'appointments.find',
  `select ${REPRESENTATION} from appointments a ${OF_PRESENT_PATIENT} where ${REACHED}`,
);

/** Undefined also when the appointment is not within the scope. */
export async function findAppointment(db: Db, id: string, scope: Scope): Promise<Representation | undefined> {
  const [row] = await db.query(FIND, scoped(id, scope));
  return row;
}

/** What the decisions about an appointment look at. */
export interface AppointmentState {
  id: string;
  patientId: string;
  doctorId: string;
  startsAt: string;
  endsAt: string;
  status: Status;
  previousStatuses: readonly Status[];
  revision: number;
  settled: boolean;
  /** Whether the start has passed, by the database's clock. */
  started: boolean;
  version: number;
  json: string;
}

const LOCK = sql<ScopedId, AppointmentState>(
  'appointments.lock',
  `select a.id, a.patient_id as "patientId", a.doctor_id as "doctorId", a.starts_at as "startsAt", a.ends_at as "endsAt",
          a.status, a.previous_statuses as "previousStatuses", a.revision, a.answered_revision = a.revision as settled,
          a.starts_at <= now() as started, a.version, ${appointmentJson()} as json
     from appointments a ${OF_PRESENT_PATIENT}
    where ${REACHED}
      for update of a for key share of p`,
);

/**
 * Reads an appointment within the scope, and keeps others from changing it, and its patient from being deleted, until the
 * transaction ends: neither would see what the other has not committed.
 */
export async function lockAppointment(
  tx: Db,
  id: string,
  scope: Scope,
): Promise<AppointmentState | undefined> {
  const [row] = await tx.query(LOCK, scoped(id, scope));
  return row;
}

const FIND_PATIENT = lookup<[id: string], { patientId: string }>(
  'appointments.find_patient',
  'select patient_id as "patientId" from appointments where id = $1',
);

/** Whose appointment it is, or was. */
export async function findPatientOf(db: Db, id: string): Promise<string | undefined> {
  const [row] = await db.query(FIND_PATIENT, [id]);
  return row?.patientId;
}

const SET_STATUS = sql<[id: string, status: Status, previous: readonly Status[]], Representation>(
  'appointments.set_status',
  `update appointments a
      set status = $2, previous_statuses = $3, version = version + 1, updated_at = now()
    where id = $1
   returning ${REPRESENTATION}`,
);

/** Sets the state of an appointment that the transaction has locked. */
export async function setStatus(
  tx: Db,
  id: string,
  status: Status,
  previous: readonly Status[],
): Promise<Representation> {
  const [row] = await tx.query(SET_STATUS, [id, status, previous]);
  return changed(row);
}

const SET_TEXTS = sql<[id: string, reason: string | null, notes: string | null], Representation>(
  'appointments.set_texts',
  `update appointments a
      set reason = $2, notes = $3, version = version + 1, updated_at = now()
    where id = $1
   returning ${REPRESENTATION}`,
);

/** Sets reason and notes of an appointment that the transaction has locked; what is left out is removed. */
export async function setTexts(
  tx: Db,
  id: string,
  { reason, notes }: { reason?: string | undefined; notes?: string | undefined },
): Promise<Representation> {
  const [row] = await tx.query(SET_TEXTS, [id, reason ?? null, notes ?? null]);
  return changed(row);
}

/** A locked row cannot vanish: its absence is a defect. */
export function changed<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new Error('A locked appointment was not there to be changed');
  return row;
}

export const appointmentList = defineList({
  name: 'appointments.list',
  json: appointmentJson(),
  from: `from appointments a ${OF_PRESENT_PATIENT}`,
  id: 'a.id',
  about: 'a.patient_id',
  filters: {
    patientId: 'a.patient_id = ?',
    doctorId: 'a.doctor_id = ?',
    from: 'a.starts_at >= ?',
    to: 'a.starts_at < ?',
    statuses: 'a.status = any(?)',
    updatedSince: 'a.updated_at >= ?',
    ofPatient: 'a.patient_id = ?',
    ofDoctor: 'a.doctor_id = ?',
  },
  orders: { startsAt: { expression: 'a.starts_at', type: 'timestamptz' } },
});

export interface IcsAppointment {
  id: string;
  startsAt: string;
  endsAt: string;
  status: Status;
  version: number;
  createdAt: string;
  updatedAt: string;
  patientId: string;
}

const FIND_FOR_ICS = lookup<ScopedId, IcsAppointment>(
  'appointments.find_for_ics',
  `select a.id, a.starts_at as "startsAt", a.ends_at as "endsAt", a.status, a.version, a.patient_id as "patientId",
          a.created_at as "createdAt", a.updated_at as "updatedAt"
     from appointments a ${OF_PRESENT_PATIENT}
    where ${REACHED}`,
);

/** What an iCalendar event shows; it has no reason and no notes. Undefined also when it is not within the scope. */
export async function findForIcs(db: Db, id: string, scope: Scope): Promise<IcsAppointment | undefined> {
  const [row] = await db.query(FIND_FOR_ICS, scoped(id, scope));
  return row;
}
