import type pg from 'pg';
import type { DatabaseName } from './local/databases.ts';
import { connectAsOwner, createDatabase, type TestDatabase } from './testing/postgres.ts';

// What docs/scaling.md says of spreading the rows over many servers. A table that PostgreSQL partitions by hash must keep the rules that
// Citus has for a distributed one: each key has the column by which rows are spread, and an exclusion compares it with `=`.

interface Rule {
  table: string;
  name: string;
  definition: string;
}

const KEYS: Readonly<Record<DatabaseName, string>> = { doctor: 'doctor_id', patient: 'patient_id' };

/** Whether a table that is spread by this column could keep the rule. */
async function canKeep(db: pg.Client, { table, definition }: Rule, column: string): Promise<boolean> {
  await db.query('begin');
  try {
    await db.query(`create table spread (like ${table}) partition by hash (${column})`);
    await db.query(`alter table spread add constraint kept ${definition}`);
    return true;
  } catch {
    return false;
  } finally {
    await db.query('rollback');
  }
}

async function rulesThatStay(service: DatabaseName): Promise<Record<'kept' | 'lost', string[]>> {
  const database: TestDatabase = await createDatabase(service);
  const db = await connectAsOwner(database);
  try {
    const column = KEYS[service];
    const { rows } = await db.query<Rule>(
      `select c.conrelid::regclass::text as table, c.conname as name, pg_get_constraintdef(c.oid) as definition
         from pg_constraint c
        where c.contype in ('p', 'u', 'x') and exists (
              select from pg_attribute a where a.attrelid = c.conrelid and a.attname = $1)
        order by 2`,
      [column],
    );
    const kept: string[] = [];
    const lost: string[] = [];
    for (const rule of rows) ((await canKeep(db, rule, column)) ? kept : lost).push(rule.name);
    return { kept, lost };
  } finally {
    await db.end();
    await database.drop();
  }
}

test('spread by doctor, the rule against double bookings stays; keys without the doctor do not', async () => {
  expect(await rulesThatStay('doctor')).toEqual({
    kept: ['doctor_words_pkey', 'reservations_no_overlap', 'schedules_pkey'],
    lost: ['exceptions_pkey', 'reservations_pkey'],
  });
});

test('spread by patient, the rule against a patient in two places stays; keys without the patient do not', async () => {
  expect(await rulesThatStay('patient')).toEqual({
    kept: ['patient_prefixes_pkey', 'patient_times_no_overlap', 'patient_versions_pkey'],
    lost: [
      'appointment_revisions_pkey',
      'appointments_pkey',
      'history_pkey',
      'history_supersedes_key',
      'patient_identifiers_key',
    ],
  });
});
