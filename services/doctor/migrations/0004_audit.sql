-- One row per answered request. Nobody but the owner may change or remove one; the application role inserts and selects.
create table audit_events (
  id bigint generated always as identity,
  recorded_at timestamptz not null default clock_timestamp(),
  -- Of the transaction that kept it: what is older than every running transaction is final, and can be sealed.
  xid xid8 not null default pg_current_xact_id(),
  subject text not null,
  role text,
  action text not null constraint audit_events_action_known check (action in ('create', 'read', 'update', 'delete', 'search')),
  method text not null,
  route text not null,
  status smallint not null,
  problem text,
  resource_id uuid,
  about uuid[] not null,
  source_ip text,
  request_id text not null,
  constraint audit_events_pkey primary key (recorded_at, id)
) partition by range (recorded_at);

create index audit_events_unsealed on audit_events (xid, id);
create index audit_events_subject on audit_events (subject, recorded_at, id);
create index audit_events_about on audit_events using gin (about);

-- The chain: the hash of each event and of the link before it. recorded_at and xid are the event's, so that both are in one month.
create table audit_links (
  position bigint not null,
  event_id bigint not null,
  recorded_at timestamptz not null,
  xid xid8 not null,
  hash bytea not null,
  constraint audit_links_pkey primary key (position, recorded_at),
  constraint audit_links_event_key unique (recorded_at, event_id)
) partition by range (recorded_at);

-- Makes the partitions of this month and the next two, where they are missing. It works as the owner, because the application role
-- may not create tables.
create function audit_make_months() returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  parent text;
  begins timestamptz;
  part text;
begin
  -- Two that find a month missing would both make it.
  perform pg_advisory_xact_lock(7203818);
  foreach parent in array array['audit_events', 'audit_links'] loop
    for months in 0..2 loop
      begins := (date_trunc('month', now() at time zone 'UTC') + make_interval(months => months)) at time zone 'UTC';
      part := parent || to_char(begins at time zone 'UTC', '_YYYY_MM');
      -- Looked for first: `if not exists` would lock the parent all the same.
      if to_regclass('public.' || part) is null then
        execute format('create table public.%I partition of public.%I for values from (%L) to (%L)',
                       part, parent, begins, ((begins at time zone 'UTC') + interval '1 month') at time zone 'UTC');
      end if;
    end loop;
  end loop;
end
$$;

revoke execute on function audit_make_months() from public;
select audit_make_months();
