import { type Environment, serviceSettings } from '../shared/config/environment.ts';
import { roles } from './access.ts';

/** The doctor service's settings; it needs none beyond those of every service. */
export const readConfig = (environment: Environment) =>
  serviceSettings(environment, { defaultPort: 3002, roles });
