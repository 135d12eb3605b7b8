import { fileURLToPath } from 'node:url';
import type { ServiceDefinition } from '../shared/lifecycle/service.ts';
import { roles } from './access.ts';
import { availabilityEndpoints } from './availability/routes.ts';
import { duplicateDoctor } from './doctors/doctor.ts';
import { doctorEndpoints } from './doctors/routes.ts';
import { reservationEndpoints } from './reservations/routes.ts';
import { scheduleEndpoints } from './schedules/routes.ts';

export const migrations = fileURLToPath(new URL('./migrations', import.meta.url));

/** Doctors and their time: profiles, schedules, availability, reservations. */
export const doctorService = (): ServiceDefinition => ({
  name: 'doctor',
  title: 'Doctor service',
  description: 'Who practises, when, and what is taken.',
  migrations,
  roles,
  constraints: {
    doctors_license_number_key: () =>
      duplicateDoctor('The licence number belongs to another doctor, who may have been deleted.'),
  },
  build: ({ db }) => ({
    endpoints: [
      ...doctorEndpoints({ db }),
      ...scheduleEndpoints({ db }),
      ...availabilityEndpoints({ db }),
      ...reservationEndpoints({ db }),
    ],
  }),
});
