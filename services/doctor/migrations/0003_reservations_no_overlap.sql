-- The promise: two appointments never take the same time of a doctor. An appointment never collides with itself, so that
-- its next revision may overlap the present one. Databases of the first days have it from an earlier migration.
alter table reservations drop constraint if exists reservations_no_overlap;
alter table reservations add constraint reservations_no_overlap
  exclude using gist (doctor_id with =, during with &&, appointment_id with <>) where (state = 'active');

-- After the constraint: where PostgreSQL finds both equally good, as on empty tables, it takes the younger.
drop index if exists reservations_active;
create index reservations_active on reservations (appointment_id) where state = 'active';
