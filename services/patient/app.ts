import { fileURLToPath } from 'node:url';
import { tokenFile } from '../shared/auth/token-file.ts';
import type { ServiceDefinition, ServiceParts } from '../shared/lifecycle/service.ts';
import { roles } from './access.ts';
import { bookingMetrics } from './appointments/booking-metrics.ts';
import { appointmentEndpoints } from './appointments/routes.ts';
import { createSettler } from './appointments/settler.ts';
import { auditEventEndpoints } from './audit-events/routes.ts';
import type { PatientConfig } from './config.ts';
import { openDoctorClient } from './doctor-client.ts';
import { historyConstraints } from './history/entry.ts';
import { historyEndpoints } from './history/routes.ts';
import { patientEndpoints } from './patients/routes.ts';

export const migrations = fileURLToPath(new URL('./migrations', import.meta.url));

/** People, and the promises made to them: patients, appointments, history. */
export const patientService = ({
  doctorServiceUrl,
  doctorServiceTokenFile,
}: Pick<PatientConfig, 'doctorServiceUrl'> & Partial<PatientConfig>): ServiceDefinition => ({
  name: 'patient',
  title: 'Patient service',
  description: 'People, and the promises made to them: patients, appointments, history.',
  migrations,
  roles,
  constraints: historyConstraints,
  build: ({ db, log, metrics }): ServiceParts => {
    const { onAnswer, onUnexpected, onBacklog } = bookingMetrics(metrics);
    const doctors = openDoctorClient({
      url: doctorServiceUrl,
      token: tokenFile(doctorServiceTokenFile),
      onAnswer,
      onUnexpected: (what) => {
        onUnexpected();
        log.error({ reason: what }, 'the doctor service gave an answer that means nothing');
      },
    });
    const settler = createSettler({ db, doctors, log, onBacklog });
    return {
      endpoints: [
        ...patientEndpoints({ db }),
        ...historyEndpoints({ db }),
        ...appointmentEndpoints({ db, doctors }),
        ...auditEventEndpoints({ db }),
      ],
      background: [settler, { stop: doctors.close }],
    };
  },
});
