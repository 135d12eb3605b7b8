-- Append-only: an amendment is a new entry that supersedes the old one.
create table history (
  id uuid constraint history_pkey primary key,
  patient_id uuid not null constraint history_patient_fkey references patients,
  kind text not null constraint history_kind_known check (
    kind in ('condition', 'allergy', 'medication', 'procedure', 'immunization', 'observation', 'note')),
  description text not null,
  code json,
  -- An instant, or YYYY, YYYY-MM or YYYY-MM-DD, as it was given.
  occurred_at text not null,
  -- The first moment of occurred_at in UTC; what the timeline is sorted by.
  occurred_from timestamptz not null,
  ended_at text,
  severity text constraint history_severity_known check (severity in ('mild', 'moderate', 'severe')),
  appointment_id uuid constraint history_appointment_fkey references appointments,
  -- An entry is amended once; the amendment may be amended again.
  supersedes uuid constraint history_supersedes_fkey references history constraint history_supersedes_key unique,
  entered_in_error boolean not null default false,
  recorded_by text not null,
  created_at timestamptz not null default now()
);

create index history_timeline on history (patient_id, occurred_from desc, id desc);
