import pg from 'pg';
import { createDatabase } from './postgres.ts';
test('x', async () => {
  const t = performance.now();
  const d = await createDatabase('patient');
  console.log(performance.now() - t);
  const c = new pg.Client({ connectionString: d.url }); await c.connect();
  console.log((await c.query('select * from patients')).rows, (await c.query("select current_user, has_schema_privilege('public','create') c, has_database_privilege(current_database(),'create')")).rows);
  await expect(c.query('create table x()')).rejects.toThrow('permission denied');
  await c.end();
  const t2 = performance.now();
  await d.drop();
  console.log(performance.now() - t2);
});
