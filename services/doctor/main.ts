import { runProgram } from '../shared/lifecycle/run.ts';
import { doctorService, migrations } from './app.ts';
import { readConfig } from './config.ts';

await runProgram(
  {
    name: 'doctor',
    migrations,
    definition: (environment) => ({ settings: readConfig(environment), definition: doctorService() }),
  },
  process.argv.slice(2),
);
