-- One row per answered revision of an appointment; answers are never deleted while they can still be asked for.
create table reservations (
  appointment_id uuid not null,
  revision integer not null,
  state text not null constraint reservations_state_known check (state in ('active', 'refused', 'released')),
  -- Not a foreign key: a refusal may name a doctor that is unknown, a release may name none.
  doctor_id uuid,
  starts_at timestamptz,
  ends_at timestamptz,
  -- From the start to the end and the buffer after it that was in force.
  during tstzrange,
  reason text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint reservations_pkey primary key (appointment_id, revision),
  -- An empty or unknown range would never collide.
  constraint reservations_take_time check (
    state <> 'active' or (doctor_id is not null and starts_at is not null and ends_at is not null and during is not null and not isempty(during)))
);

create index reservations_updated on reservations (updated_at, appointment_id);

-- A request's key with its first answer.
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
