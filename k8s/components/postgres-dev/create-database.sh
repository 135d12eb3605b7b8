# Sourced once, on an empty volume, by the image's own start: a role that owns the database, and one that only works in it.
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  -v name="$SERVICE" -v owner="${SERVICE}_owner" -v app="${SERVICE}_app" \
  -v owner_word="$(cat /etc/clinic/postgres/owner)" -v app_word="$(cat /etc/clinic/postgres/app)" <<'SQL'
select format('create role %I login password %L', :'owner', :'owner_word') \gexec
select format('create role %I login password %L', :'app', :'app_word') \gexec
create database :"name" owner :"owner";
revoke all on database :"name" from public;
grant connect, temporary on database :"name" to :"app";
SQL
