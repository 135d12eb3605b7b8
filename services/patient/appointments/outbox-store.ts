import { type EntryArgs, entryArgs, insertEntryText } from '../../shared/audit/audit-store.ts';
import type { AuditEvent } from '../../shared/audit/event.ts';
import type { Db } from '../../shared/db/database.ts';
import { instantText, lookup, sql } from '../../shared/db/statement.ts';
import type { Representation } from '../../shared/http/answer.ts';
import { isLimited, type Scope } from '../access.ts';
import type { Wish } from '../doctor-client.ts';
import { withinScope } from '../patients/store.ts';
import { type BookingRequest, pendingJson } from './appointment.ts';
import type { RefusalReason } from './refusal.ts';
import { retrySchedule } from './retry-schedule.ts';
import { appointmentJson, changed } from './store.ts';

/** A wish that waits for the doctor service, and whether an Idempotency-Key waits for it too. */
export interface OpenWish extends Wish {
  keyed: boolean;
}

/** The settler leaves a fresh revision to the request that made it, for this long. */
const FIRST_TRY = `now() + interval '${retrySchedule.ownTry} seconds'`;

const COUNT_PENDING = lookup<[patientId: string], { count: number }>(
  'appointments.count_pending',
  `select count(*) from appointments where patient_id = $1 and answered_revision < revision`,
);

/** How many of a patient's bookings and changes wait for their answer. */
export async function countPending(db: Db, patientId: string): Promise<number> {
  const [row] = await db.query(COUNT_PENDING, [patientId]);
  return row?.count ?? 0;
}

type PendingArgs = [
  id: string,
  patientId: string,
  doctorId: string,
  startsAt: string,
  endsAt: string,
  reason: string | null,
  notes: string | null,
  keyed: boolean,
  ...entry: EntryArgs,
];

// One statement, so that revision, appointment and audit event commit together. The patient cannot be deleted meanwhile.
const pendingText = (more: string): string =>
  `with wish as (
     insert into appointment_revisions (appointment_id, revision, patient_id, doctor_id, starts_at, ends_at, holds, keyed)
     select $1::uuid, 1, patients.id, $3::uuid, $4::timestamptz, $5::timestamptz, true, $8::boolean
       from patients where id = $2 and deleted_at is null ${more} for key share
     on conflict do nothing
     returning appointment_id
   ), audited as (
     ${insertEntryText(9, 'wish')}
   )
   insert into appointments (id, patient_id, doctor_id, starts_at, ends_at, status, reason, notes, next_try_at)
   select wish.appointment_id, $2, $3, $4, $5, 'pending', $6, $7, ${FIRST_TRY} from wish
   returning created_at as "createdAt"`;

const INSERT_PENDING = sql<PendingArgs, { createdAt: string }>(
  'appointments.insert_pending',
  pendingText(''),
);

const INSERT_PENDING_WITHIN = sql<
  [...PendingArgs, ofPatient: string | null, ofDoctor: string | null, maxPending: number | null],
  { createdAt: string }
>(
  'appointments.insert_pending_within',
  pendingText(`and ${withinScope('patients.id', 11)}
        and ($13::integer is null or $13 > (
          select count(*) from appointments a where a.patient_id = $2 and a.answered_revision < a.revision))`),
);

/**
 * Stores a booking as pending, revision 1, and holds the patient's time with it.
 * @returns undefined when there is no such patient within the scope, another appointment holds the patient's time, or too many of
 * the patient's bookings wait for their answer
 */
export async function insertPending(
  db: Db,
  id: string,
  request: BookingRequest,
  {
    keyed,
    scope,
    maxPending,
    event,
  }: { keyed: boolean; scope: Scope; maxPending: number | undefined; event: AuditEvent | undefined },
): Promise<Representation | undefined> {
  const { patientId, doctorId, startsAt, endsAt, reason, notes } = request;
  const values: PendingArgs = [
    id,
    patientId,
    doctorId,
    startsAt,
    endsAt,
    reason ?? null,
    notes ?? null,
    keyed,
    ...entryArgs(event === undefined ? [] : [event]),
  ];
  const [row] =
    maxPending === undefined && !isLimited(scope)
      ? await db.query(INSERT_PENDING, values)
      : await db.query(INSERT_PENDING_WITHIN, [
          ...values,
          scope.patientId,
          scope.doctorId,
          maxPending ?? null,
        ]);

  return row && { id, json: pendingJson(id, request, row.createdAt), version: 1 };
}

const INSERT_WISH = sql<
  [
    appointmentId: string,
    revision: number,
    patientId: string,
    doctorId: string | null,
    startsAt: string | null,
    endsAt: string | null,
    keyed: boolean,
  ],
  { revision: number }
>(
  'appointments.insert_wish',
  `insert into appointment_revisions (appointment_id, revision, patient_id, doctor_id, starts_at, ends_at, holds, keyed)
   values ($1, $2, $3, $4::uuid, $5, $6, $4::uuid is not null, $7)
   on conflict do nothing
   returning revision`,
);

/** Stores the next revision's wish; false when another appointment holds the patient's time. */
export async function insertWish(
  tx: Db,
  { appointmentId, revision, wanted, keyed }: OpenWish,
  patientId: string,
): Promise<boolean> {
  const { doctorId = null, startsAt = null, endsAt = null } = wanted ?? {};
  return (
    (await tx.query(INSERT_WISH, [appointmentId, revision, patientId, doctorId, startsAt, endsAt, keyed]))
      .length > 0
  );
}

const OPEN_REVISION = sql<[id: string, revision: number], Representation>(
  'appointments.open_revision',
  `update appointments a
      set revision = $2, next_try_at = ${FIRST_TRY}, tries = 0, contradiction = null, version = version + 1, updated_at = now()
    where id = $1 and revision = $2 - 1
   returning a.id, ${appointmentJson()} as json, a.version`,
);

/** Moves a locked appointment on to a revision whose wish is stored. */
export async function openRevision(tx: Db, id: string, revision: number): Promise<Representation> {
  const [row] = await tx.query(OPEN_REVISION, [id, revision]);
  return changed(row);
}

const OPEN_CANCELLATION = sql<[id: string, revision: number, cancellation: string], Representation>(
  'appointments.open_cancellation',
  `with let_go as (
     update appointment_revisions set holds = false, outcome = coalesce(outcome, 'superseded')
      where appointment_id = $1 and revision < $2 and (holds or outcome is null)
   )
   update appointments a
      set status = 'cancelled', revision = $2, next_try_at = ${FIRST_TRY}, tries = 0, contradiction = null,
          cancellation = json_strip_nulls(($3::jsonb || jsonb_build_object('at', ${instantText('now()')}))::json),
          version = version + 1, updated_at = now()
    where id = $1 and revision = $2 - 1
   returning a.id, ${appointmentJson({ requested: 'null' })} as json, a.version`,
);

/** Cancels a locked appointment: the patient's time is free at once, the doctor's as soon as the revision is answered. */
export async function openCancellation(
  tx: Db,
  id: string,
  revision: number,
  cancellation: object,
): Promise<Representation> {
  const [row] = await tx.query(OPEN_CANCELLATION, [id, revision, JSON.stringify(cancellation)]);
  return changed(row);
}

type Settled = Representation | undefined;
const SETTLE_CONDITION = 'a.id = $1 and a.revision = $2 and a.answered_revision < $2';

const RECORD_GRANTED = sql<[id: string, revision: number], Representation>(
  'appointments.record_granted',
  // Both rows of the answer in one statement: the revision's, and the appointment's, which it changes to what was wished for.
  `with a as (
     update appointments a
        set answered_revision = $2,
            status = case when a.status = 'pending' then 'booked' else a.status end,
            doctor_id = coalesce(wish.doctor_id, a.doctor_id),
            starts_at = coalesce(wish.starts_at, a.starts_at),
            ends_at = coalesce(wish.ends_at, a.ends_at),
            contradiction = null, version = version + 1, updated_at = now()
       from appointment_revisions wish
      where wish.appointment_id = $1 and wish.revision = $2 and ${SETTLE_CONDITION}
     returning a.id, ${appointmentJson({ requested: 'null', lastChange: `json_build_object('revision', $2::integer, 'outcome', 'granted')` })} as json, a.version
   )
   update appointment_revisions r
      set outcome = case when r.revision = $2 then 'granted' else r.outcome end,
          holds = r.holds and r.revision = $2
     from a
    where r.appointment_id = $1 and r.revision <= $2
   returning a.id, a.json, a.version`,
);

/** Records that the doctor service granted a revision, if it is still the present one. */
export async function recordGranted(db: Db, id: string, revision: number): Promise<Settled> {
  const [row] = await db.query(RECORD_GRANTED, [id, revision]);
  return row;
}

const RECORD_REFUSED = sql<[id: string, revision: number, reason: RefusalReason], Representation>(
  'appointments.record_refused',
  `with a as (
     update appointments a
        set answered_revision = $2,
            status = case when a.status = 'pending' then 'rejected' else a.status end,
            contradiction = null, version = version + 1, updated_at = now()
      where ${SETTLE_CONDITION}
     returning a.id, ${appointmentJson({ requested: 'null', lastChange: `json_build_object('revision', $2::integer, 'outcome', 'refused', 'reason', $3::text)` })} as json, a.version
   )
   update appointment_revisions r set outcome = 'refused', reason = $3, holds = false
     from a
    where r.appointment_id = $1 and r.revision = $2
   returning a.id, a.json, a.version`,
);

/** Records that the doctor service refused a revision, if it is still the present one. */
export async function recordRefused(
  db: Db,
  id: string,
  revision: number,
  reason: RefusalReason,
): Promise<Settled> {
  const [row] = await db.query(RECORD_REFUSED, [id, revision, reason]);
  return row;
}

const RECORD_CONTRADICTION = sql<[id: string, revision: number, contradiction: string]>(
  'appointments.record_contradiction',
  `update appointments a set contradiction = $3 where ${SETTLE_CONDITION}`,
);

/** Stops trying a revision that the doctor service contradicts, if it is still the present one. */
export async function recordContradiction(
  db: Db,
  id: string,
  revision: number,
  contradiction: string,
): Promise<void> {
  await db.query(RECORD_CONTRADICTION, [id, revision, contradiction]);
}

export type RevisionOutcome = Representation & {
  /** False for a cancellation. */
  wantsTime: boolean;
} & ({ outcome: 'refused'; reason: RefusalReason } | { outcome: 'granted' | 'superseded' | null });

const FIND_OUTCOME = lookup<[id: string, revision: number], RevisionOutcome>(
  'appointments.find_outcome',
  `select a.id, ${appointmentJson()} as json, a.version, asked.outcome, asked.reason,
          asked.doctor_id is not null as "wantsTime"
     from appointments a join appointment_revisions asked on asked.appointment_id = a.id
    where a.id = $1 and asked.revision = $2`,
);

/** What came of a revision, and the appointment as it is now. */
export async function findOutcome(
  db: Db,
  id: string,
  revision: number,
): Promise<RevisionOutcome | undefined> {
  const [row] = await db.query(FIND_OUTCOME, [id, revision]);
  return row;
}
