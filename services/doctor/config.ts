import { type Environment, serviceSettings } from '../shared/config/environment.ts';

/** The doctor service's settings; it needs none beyond those of every service. */
export const readConfig = (environment: Environment) => serviceSettings(environment, 3002);
