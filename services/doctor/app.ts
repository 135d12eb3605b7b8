import { fileURLToPath } from 'node:url';
import type { ServiceDefinition } from '../shared/lifecycle/service.ts';

export const migrations = fileURLToPath(new URL('./migrations', import.meta.url));

/** Doctors and their time: profiles, schedules, availability, reservations. */
export const doctorService = (): ServiceDefinition => ({
  name: 'doctor',
  title: 'Doctor service',
  description: 'Who practises, when, and what is taken.',
  migrations,
  constraints: {},
  build: () => ({ endpoints: [] }),
});
