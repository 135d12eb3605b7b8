-- One row for the events that one commit kept: a request's own, or those of all requests that were answered together. Nobody but the
-- owner may change or remove one; the application role inserts and selects.
create table audit_entries (
  id bigint generated always as identity,
  recorded_at timestamptz not null default clock_timestamp(),
  -- Of the transaction that kept it: what is older than every running transaction is final, and can be sealed.
  xid xid8 not null default pg_current_xact_id(),
  -- An array for each event, as the view below reads it: without the names of its members an entry has half the size. json, not
  -- jsonb: the chain covers this text.
  events json not null,
  -- CRC-32 of the id of everybody whom its events are about, and of who acted: an index takes numbers at half the price of what they
  -- stand for. Two may share one, so that whoever asks compares the events too.
  keys integer[] not null,
  constraint audit_entries_pkey primary key (recorded_at, id)
) partition by range (recorded_at);

-- To compress events costs more than to write them.
alter table audit_entries alter column events set storage external;

create index audit_entries_unsealed on audit_entries (xid, id);
create index audit_entries_keys on audit_entries using gin (keys);

-- One row per answered request.
create view audit_events as
select e.id * 1024 + item.number - 1 as id, e.id as entry_id, e.recorded_at,
       event ->> 0 as subject, event ->> 1 as role, event ->> 2 as action, event ->> 3 as method, event ->> 4 as route,
       (event ->> 5)::smallint as status, event ->> 6 as problem, (event ->> 7)::uuid as resource_id,
       -- Null where it is about what its path names, and nothing else.
       case when event ->> 8 is null then array[(event ->> 7)::uuid]
            else array(select json_array_elements_text(event -> 8)::uuid) end as about,
       event ->> 9 as source_ip, event ->> 10 as request_id, e.keys as entry_keys
  from audit_entries e
  cross join lateral json_array_elements(e.events) with ordinality as item (event, number);

-- The chain: the hash of each entry and of the link before it. recorded_at and xid are the entry's, so that both are in one month.
create table audit_links (
  position bigint not null,
  entry_id bigint not null,
  recorded_at timestamptz not null,
  xid xid8 not null,
  hash bytea not null,
  constraint audit_links_pkey primary key (position, recorded_at),
  constraint audit_links_entry_key unique (recorded_at, entry_id)
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
  foreach parent in array array['audit_entries', 'audit_links'] loop
    for months in 0..2 loop
      begins := (date_trunc('month', now() at time zone 'UTC') + make_interval(months => months)) at time zone 'UTC';
      part := parent || to_char(begins at time zone 'UTC', '_YYYY_MM');
      -- Looked for first: `if not exists` would lock the parent all the same.
      if to_regclass('public.' || part) is null then
        -- An entry of a few thousand bytes stays in its row.
        execute format('create table public.%I partition of public.%I for values from (%L) to (%L) with (toast_tuple_target = 8160)',
                       part, parent, begins, ((begins at time zone 'UTC') + interval '1 month') at time zone 'UTC');
      end if;
    end loop;
  end loop;
end
$$;

revoke execute on function audit_make_months() from public;
select audit_make_months();
