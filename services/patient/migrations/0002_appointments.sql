-- The row is the outbox: while answered_revision < revision, the doctor service owes an answer.
create table appointments (
  id uuid constraint appointments_pkey primary key,
  patient_id uuid not null constraint appointments_patient_fkey references patients,
  doctor_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  status text not null constraint appointments_status_known check (
    status in ('pending', 'booked', 'arrived', 'in-progress', 'fulfilled', 'noshow', 'cancelled', 'rejected')),
  -- The states walked through since booked, for undo.
  previous_statuses text[] not null default '{}',
  -- Grows with every change that concerns the doctor's time.
  revision integer not null default 1,
  answered_revision integer not null default 0,
  -- Set when the doctor service contradicts us (a database was restored): no further try, but an alarm.
  contradiction text constraint appointments_contradiction_known check (contradiction in ('superseded', 'revision-mismatch')),
  next_try_at timestamptz not null,
  tries integer not null default 0,
  reason text,
  notes text,
  cancellation json,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint appointments_time_runs_forward check (ends_at > starts_at),
  constraint appointments_answered_in_order check (answered_revision between 0 and revision)
);

-- Every booking is written three times; each index here costs it twice.
create index appointments_unsettled on appointments (next_try_at) where answered_revision < revision;
create index appointments_patient on appointments (patient_id, starts_at, id);
create index appointments_doctor on appointments (doctor_id, starts_at, id);
create index appointments_start on appointments (starts_at, id);
create index appointments_updated on appointments (updated_at, id);

-- One row per revision: what was wanted, what was answered, and whether it holds the patient's time.
create table appointment_revisions (
  appointment_id uuid not null constraint appointment_revisions_appointment_fkey references appointments,
  revision integer not null,
  patient_id uuid not null,
  -- All three are null where the wish is to have no time: a cancellation.
  doctor_id uuid,
  starts_at timestamptz,
  ends_at timestamptz,
  during tstzrange generated always as (tstzrange(starts_at, ends_at)) stored,
  outcome text constraint appointment_revisions_outcome_known check (outcome in ('granted', 'refused', 'superseded')),
  reason text,
  holds boolean not null,
  -- Whether an Idempotency-Key waits for this revision's answer.
  keyed boolean not null,
  created_at timestamptz not null default now(),
  constraint appointment_revisions_pkey primary key (appointment_id, revision),
  -- An empty or unknown range would never collide.
  constraint appointment_revisions_hold_time check (not holds or (during is not null and not isempty(during))),
  -- Two appointments of one patient never hold the same time; one appointment may hold its old time and the wished-for one.
  constraint patient_times_no_overlap exclude using gist (patient_id with =, during with &&, appointment_id with <>) where (holds)
);

-- A request's key with its first answer, or with the revision that will answer it.
create table idempotency_keys (
  caller text not null,
  key text not null,
  fingerprint text not null,
  answer jsonb,
  resource_id uuid,
  revision integer,
  created_at timestamptz not null default now(),
  constraint idempotency_keys_pkey primary key (caller, key),
  constraint idempotency_keys_answered_or_to_be check (answer is not null or (resource_id is not null and revision is not null))
);

create index idempotency_keys_revision on idempotency_keys (resource_id, revision) where resource_id is not null;
create index idempotency_keys_created on idempotency_keys (created_at);
