import { type Environment, serviceSettings } from '../shared/config/environment.ts';
import { roles } from './access.ts';

/** How the doctor service is reached. */
const doctorSettings = (environment: Environment) => ({
  doctorServiceUrl: environment.httpUrl('DOCTOR_SERVICE_URL', 'http://doctor:3002'),
  // A token that the doctor service knows us by; it is read again when it changes, because it is renewed while we run.
  doctorServiceTokenFile: environment.fileAs('DOCTOR_SERVICE_TOKEN_FILE', (file) => file, undefined, {
    optional: true,
  }),
});

/** The patient service's settings. */
export const readConfig = (environment: Environment) => ({
  ...serviceSettings(environment, { defaultPort: 3001, roles }),
  ...doctorSettings(environment),
});

/** What comparing both sides needs of them. */
export const readReconcileConfig = (environment: Environment) => ({
  databaseUrl: environment.postgresUrl('DATABASE_URL'),
  ...doctorSettings(environment),
});

export type PatientConfig = Readonly<ReturnType<typeof readConfig>>;
