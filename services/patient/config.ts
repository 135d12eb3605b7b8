import { type Environment, serviceSettings } from '../shared/config/environment.ts';

/** The patient service's settings. */
export const readConfig = (environment: Environment) => ({
  ...serviceSettings(environment, 3001),
  doctorServiceUrl: environment.httpUrl('DOCTOR_SERVICE_URL', 'http://doctor:3002'),
});

export type PatientConfig = Readonly<ReturnType<typeof readConfig>>;
