// The patient service as it is, but that no request leaves an event. Only to be compared with: the product has no such switch.
import { migrations, patientService } from '../dist/patient/app.js';
import { readConfig } from '../dist/patient/config.js';
import { runProgram } from '../dist/shared/lifecycle/run.js';

/** @param {import('../services/shared/lifecycle/service.ts').ServiceDefinition} service */
const unaudited = (service) => ({
  ...service,
  build: (parts) => {
    const built = service.build(parts);
    return { ...built, endpoints: built.endpoints.map((endpoint) => ({ ...endpoint, audit: 'none' })) };
  },
});

await runProgram(
  {
    name: 'patient',
    migrations,
    definition: (environment) => {
      const config = readConfig(environment);
      return { settings: config, definition: unaudited(patientService(config)) };
    },
  },
  [],
);
