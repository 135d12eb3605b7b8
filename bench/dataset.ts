import { seedDoctor, seedPatients } from '../services/testing/clinic.ts';
import type { System } from './system.ts';

export interface Size {
  patients: number;
  doctors: number;
}

export interface Dataset extends Size {
  /** Of some of them, spread over all: enough to ask for another one each time. */
  patientIds: readonly string[];
  doctorIds: readonly string[];
}

/** Fills the empty databases of a system, behind its API. */
export async function seedDataset(system: System, { patients, doctors }: Size): Promise<Dataset> {
  const patientIds = await seedPatients({ db: system.patientDb }, patients);
  const doctorIds: string[] = [];
  while (doctorIds.length < doctors) doctorIds.push(await seedDoctor({ db: system.doctorDb }));
  await Promise.all([system.patientDb.query('vacuum analyze'), system.doctorDb.query('vacuum analyze')]);
  return { patients, doctors, patientIds, doctorIds };
}
