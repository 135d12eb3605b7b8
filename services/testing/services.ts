import { doctorService } from '../doctor/app.ts';
import { patientService } from '../patient/app.ts';
import { startTestService, type TestService, type TestServiceOptions } from './service.ts';

export { eventually } from './eventually.ts';
export type { TestService } from './service.ts';

/** The doctor service in this process. */
export const startDoctor = (options: TestServiceOptions = {}): Promise<TestService> =>
  startTestService(doctorService(), 'doctor', options);

/** The patient service in this process, asking the doctor service at `doctorUrl`; nobody answers there by default. */
export const startPatient = ({
  doctorUrl = 'http://127.0.0.1:9',
  ...options
}: TestServiceOptions & { doctorUrl?: string } = {}): Promise<TestService> =>
  startTestService(patientService({ doctorServiceUrl: doctorUrl }), 'patient', options);
