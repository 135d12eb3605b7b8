-- What is taken of a doctor's time is read along it, from the longest visit (twelve hours) and buffer (four) before a stretch on. The
-- index of reservations_no_overlap finds the same, at ten times the price of a row.
alter table reservations add constraint reservations_end_in_time
  check (state <> 'active' or (not lower_inf(during) and not upper_inf(during) and upper(during) - lower(during) <= interval '16 hours'));
create index reservations_taken on reservations (doctor_id, during) where state = 'active';
