-- The first three letters of each two words of a name, too, in the order of their bytes with a space between them: of two
-- frequent words there are few patients who have both, and these are found at once.
insert into patient_prefixes (prefix, name_key, patient_id)
with prefixes as (
  select distinct p.id, p.name_key, left(word, 3) as prefix
    from patients p, string_to_table(translate(p.name_key, E'\t', ''), ' ') as word
   where p.deleted_at is null and length(word) >= 3
)
select a.prefix || ' ' || b.prefix, a.name_key, a.id
  from prefixes a join prefixes b on a.id = b.id and a.prefix < b.prefix;
