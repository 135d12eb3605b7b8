import { fileURLToPath } from 'node:url';
import type { ServiceDefinition } from '../shared/lifecycle/service.ts';
import type { PatientConfig } from './config.ts';

export const migrations = fileURLToPath(new URL('./migrations', import.meta.url));

/** People, and the promises made to them: patients, appointments, history. */
export const patientService = (_config: Pick<PatientConfig, 'doctorServiceUrl'>): ServiceDefinition => ({
  name: 'patient',
  title: 'Patient service',
  description: 'People, and the promises made to them.',
  migrations,
  constraints: {},
  build: () => ({ endpoints: [] }),
});
