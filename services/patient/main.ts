import { runProgram } from '../shared/lifecycle/run.ts';
import { migrations, patientService } from './app.ts';
import { readConfig } from './config.ts';
import { reconcileCommand } from './reconcile.ts';

await runProgram(
  {
    name: 'patient',
    migrations,
    commands: { reconcile: reconcileCommand },
    definition: (environment) => {
      const config = readConfig(environment);
      return { settings: config, definition: patientService(config) };
    },
  },
  process.argv.slice(2),
);
