import type pg from 'pg';

const TABLES = `
  select c.oid, c.relname as name, pg_get_userbyid(c.relowner) as owner
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm', 'S') and not c.relispartition
   order by c.relname`;

const COLUMNS = `
  select a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
         || case when a.attcollation <> t.typcollation then ' collate "' || l.collname || '"' else '' end
         || case when a.attgenerated <> '' then ' generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ')'
                 when d.adbin is not null then ' default ' || pg_get_expr(d.adbin, d.adrelid) else '' end
         || case when a.attnotnull then ' not null' else '' end as line
    from pg_attribute a
    join pg_type t on t.oid = a.atttypid
    left join pg_collation l on l.oid = a.attcollation
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
   order by a.attnum`;

const CONSTRAINTS = `
  select conname || ' ' || pg_get_constraintdef(oid) as line
    from pg_constraint where conrelid = $1 and contype <> 'n' order by conname`;

const INDEXES = `
  select pg_get_indexdef(indexrelid) as line
    from pg_index
   where indrelid = $1 and not exists (select from pg_constraint where conindid = indexrelid and contype in ('p', 'u', 'x'))
   order by 1`;

const TRIGGERS = `select pg_get_triggerdef(oid) as line from pg_trigger where tgrelid = $1 and not tgisinternal order by 1`;

const GRANTS = `
  select coalesce(pg_get_userbyid(nullif(grantee, 0)), 'public') || ': ' || string_agg(lower(privilege_type), ', ' order by privilege_type) as line
    from pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner)))
   where oid = $1 group by grantee order by 1`;

const REST = `
  select 'extension ' || extname as line from pg_extension where extname <> 'plpgsql'
  union all
  select 'function ' || p.oid::regprocedure || ' of ' || pg_get_userbyid(p.proowner) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
   where n.nspname = 'public' and not exists (select from pg_depend where objid = p.oid and deptype = 'e')
  union all
  select 'schema ' || nspname || ' of ' || pg_get_userbyid(nspowner) || ', '
         || coalesce(pg_get_userbyid(nullif(grantee, 0)), 'public') || ': ' || string_agg(lower(privilege_type), ', ' order by privilege_type)
    from pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner)))
   where nspname not like 'pg\\_%' and nspname <> 'information_schema'
   group by nspname, nspowner, grantee
   order by 1`;

/** The schema of a database as text, from its catalog: tables, columns, constraints, indexes, owners and grants. */
export async function dumpSchema(client: pg.Client): Promise<string> {
  const linesOf = async (text: string, values: unknown[] = []): Promise<string[]> =>
    (await client.query<{ line: string }>(text, values)).rows.map(({ line }) => line);
  const { rows: tables } = await client.query<{ oid: number; name: string; owner: string }>(TABLES);
  const parts: string[] = [(await linesOf(REST)).join('\n')];
  for (const { oid, name, owner } of tables) {
    const section = async (title: string, text: string): Promise<string[]> => {
      const lines = await linesOf(text, [oid]);
      return lines.length === 0 ? [] : [`  ${title}`, ...lines.map((line) => `    ${line}`)];
    };
    parts.push(
      [
        `${name} of ${owner}`,
        ...(await section('columns', COLUMNS)),
        ...(await section('constraints', CONSTRAINTS)),
        ...(await section('indexes', INDEXES)),
        ...(await section('triggers', TRIGGERS)),
        ...(await section('grants', GRANTS)),
      ].join('\n'),
    );
  }
  return `${parts.join('\n\n')}\n`;
}
