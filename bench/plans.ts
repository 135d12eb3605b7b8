import pg from 'pg';
import { searchSlots } from '../services/doctor/availability/search.ts';
import { everybody } from '../services/patient/access.ts';
import { timelinePage } from '../services/patient/history/store.ts';
import { searchPatients } from '../services/patient/patients/search.ts';
import { patientList } from '../services/patient/patients/search-store.ts';
import { getPatient } from '../services/patient/patients/store.ts';
import { connectionSettings } from '../services/shared/db/connection.ts';
import type { Db } from '../services/shared/db/database.ts';
import type { Sized } from './row.ts';

export interface Plan {
  statement: string;
  plan: string;
}

/** A database that notes the plan of what it is asked; the settings of its connection are a service's. */
async function explaining(url: string, plans: Plan[]): Promise<{ db: Db; end: () => Promise<void> }> {
  const client = new pg.Client(connectionSettings(url));
  await client.connect();
  const db: Db = {
    query: async ({ name, text }, args) => {
      const { rows: lines } = await client.query<{ 'QUERY PLAN': string }>(
        `explain (analyze, buffers, costs off) ${text}`,
        args as unknown as unknown[],
      );
      const plan = lines.map((line) => line['QUERY PLAN']).join('\n');
      if (!plans.some(({ statement }) => statement === name)) plans.push({ statement: name, plan });
      return (await client.query(text, args as unknown as unknown[])).rows as never[];
    },
  };
  return { db, end: () => client.end() };
}

/** The plans of what the rows ask, by the functions of the services themselves. */
export async function plansOf({ system, data }: Sized): Promise<Plan[]> {
  const plans: Plan[] = [];
  const patient = await explaining(system.databaseUrl('patient'), plans);
  const doctor = await explaining(system.databaseUrl('doctor'), plans);
  try {
    await getPatient(patient.db, data.patientIds[0] ?? '', everybody);
    const page = { filters: {}, order: 'familyName', limit: 20 };
    await searchPatients(patient.db, ['gro'], page, false);
    await searchPatients(patient.db, ['gae', 'grona'], page, false);
    const { nextCursor: _, items } = await patientList.page(patient.db, { ...page, order: 'createdAt' });
    const middle = {
      sortKey: new Date(Date.now() - 500 * 86_400_000).toISOString(),
      id: JSON.parse(items[0] ?? '{}').id,
    };
    await patientList.page(patient.db, { ...page, order: 'createdAt', after: middle });
    await timelinePage(patient.db, data.longHistory.patientId, { limit: 10 }, 'timeline');
    const from = new Date(Date.now() + 86_400_000).toISOString();
    const to = new Date(Date.now() + 15 * 86_400_000).toISOString();
    const filter = {
      doctorIds: data.busyDoctorIds.slice(0, 10),
      specialtyKeys: undefined,
      languageKeys: undefined,
    };
    await searchSlots(doctor.db, { ...filter, from, to, durationMinutes: 30 }, undefined, 51);
  } finally {
    await patient.end();
    await doctor.end();
  }
  return plans;
}
