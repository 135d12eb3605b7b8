-- Trusted since PostgreSQL 13: the owner of the database may create it.
create extension if not exists btree_gist;

create table doctors (
  id uuid constraint doctors_pkey primary key,
  version integer not null default 1,
  given_name text not null,
  family_name text not null,
  -- Both names, folded; what lists are sorted by.
  name_key text collate "C" not null,
  specialties text[] not null,
  -- Folded; what a filter compares.
  specialty_keys text[] not null,
  license_number text constraint doctors_license_number_key unique,
  email text,
  phone text,
  languages text[] not null default '{}',
  -- Lower-case tags with their prefixes (pt-BR: pt, pt-br); what a filter compares.
  language_keys text[] not null default '{}',
  time_zone text not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- Not only of `deleted_at is null`: until the table is first analyzed, PostgreSQL would take such an index for nearly empty.
create index doctors_name on doctors (name_key, id);
create index doctors_updated on doctors (updated_at, id);
create index doctors_specialties on doctors using gin (specialty_keys) where deleted_at is null;

-- The folded words of each name; a search asks for prefixes of them.
create table doctor_words (
  word text collate "C" not null,
  doctor_id uuid not null constraint doctor_words_doctor_fkey references doctors,
  constraint doctor_words_pkey primary key (word, doctor_id)
);

create index doctor_words_doctor on doctor_words (doctor_id);

create table schedules (
  doctor_id uuid constraint schedules_pkey primary key constraint schedules_doctor_fkey references doctors,
  -- [{weekday, from, to}], wall-clock in time_zone.
  weekly_hours json not null,
  time_zone text not null,
  slot_minutes integer not null,
  buffer_minutes integer not null,
  minimum_notice_minutes integer not null,
  horizon_days integer not null,
  -- Both days included.
  valid_from date,
  valid_until date,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table exceptions (
  id uuid constraint exceptions_pkey primary key,
  doctor_id uuid not null constraint exceptions_doctor_fkey references doctors,
  kind text not null constraint exceptions_kind_known check (kind in ('closed', 'open')),
  -- Wall-clock in the schedule's zone, whichever that is.
  from_local timestamp not null,
  to_local timestamp not null,
  reason text,
  created_at timestamptz not null default now(),
  constraint exceptions_time_runs_forward check (to_local > from_local)
);

create index exceptions_doctor on exceptions (doctor_id, from_local, id);
