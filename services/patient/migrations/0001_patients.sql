-- Trusted since PostgreSQL 13: the owner of the database may create it.
create extension if not exists btree_gist;

create table patients (
  id uuid constraint patients_pkey primary key,
  version integer not null default 1,
  family_name text not null,
  given_name text,
  -- The folded words of the family name, a tab, and those of the given name, each word after a space: what lists are
  -- sorted by and searches compare.
  name_key text collate "C" not null,
  -- YYYY, YYYY-MM or YYYY-MM-DD, as it was given.
  birth_date text collate "C" not null,
  -- The first day of birth_date; what lists are sorted by.
  birth_start text collate "C" not null generated always as (birth_date || substr('-01-01', length(birth_date) - 3)) stored,
  gender text constraint patients_gender_known check (gender in ('male', 'female', 'other', 'unknown')),
  phone text,
  -- The digits of phone; what a search compares.
  phone_digits text,
  email text,
  address json,
  emergency_contact json,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- Deleted patients are in them too: they are few, and PostgreSQL would take an index of `deleted_at is null` for nearly empty, and
-- read all of it to find an id, until the table is first analyzed.
create index patients_name on patients (name_key, id);
create index patients_birth_date on patients (birth_start, id);
create index patients_created on patients (created_at, id);
create index patients_updated on patients (updated_at, id);
create index patients_deleted on patients (name_key, id) where deleted_at is not null;
create index patients_phone on patients (phone_digits) where phone_digits is not null;
create index patients_email on patients (lower(email)) where email is not null;

-- Unique for ever, deleted patients included: a number belongs to one person.
create table patient_identifiers (
  system text not null,
  value text not null,
  patient_id uuid not null constraint patient_identifiers_patient_fkey references patients,
  position smallint not null,
  constraint patient_identifiers_key primary key (system, value)
);

create index patient_identifiers_patient on patient_identifiers (patient_id, position);

-- The first one, two and three letters of each word of a name, with the name: a search reads the patients of one prefix
-- in their order, and compares what else it asks for with the name beside it. No search counts or sorts all it matches.
create table patient_prefixes (
  prefix text collate "C" not null,
  name_key text collate "C" not null,
  patient_id uuid not null constraint patient_prefixes_patient_fkey references patients,
  constraint patient_prefixes_pkey primary key (prefix, name_key, patient_id)
);

-- Every state that a patient had, the present one included, as it was answered.
create table patient_versions (
  patient_id uuid not null constraint patient_versions_patient_fkey references patients,
  version integer not null,
  changed_at timestamptz not null default now(),
  changed_by text not null,
  patient json not null,
  constraint patient_versions_pkey primary key (patient_id, version)
);
