import { resolve } from 'node:path';
import { type Environment, readEnvironment } from '../shared/config/environment.ts';
import { CannotStart } from './cannot-start.ts';
import { type DatabaseName, databaseNames } from './databases.ts';
import { logLevels } from './log-line.ts';

/** Connections of a service: as the owner of its schema, and as the role that it works as. */
export interface DatabaseUrls {
  url: string;
  ownerUrl: string;
}

export type Config = ReturnType<typeof readConfig>;

const ARGUMENTS = ['--empty', '--watch', '--auth'];

/** Where everything of this machine is kept. */
export const readDataFolder = (environment: Environment = readEnvironment()): string =>
  environment.text('DATA_DIR', '.data');

/** Reads the variables and arguments of `npm start`. Throws ConfigurationError or CannotStart when they are wrong. */
export function readConfig(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const environment = readEnvironment(env);
  const port = (name: string, fallback: number) =>
    environment.number(name, { from: 1, to: 65_535, fallback });
  const ports = {
    PORT: port('PORT', 8080),
    PATIENT_PORT: port('PATIENT_PORT', 3001),
    DOCTOR_PORT: port('DOCTOR_PORT', 3002),
  };
  const logLevel = environment.oneOf('LOG_LEVEL', logLevels, 'warn');
  const given = new Map(databaseNames.map((name) => [name, givenDatabase(environment, name)]));
  environment.done();

  const unknown = args.find((arg) => !ARGUMENTS.includes(arg));
  if (unknown !== undefined)
    throw new CannotStart(`Unknown argument ${unknown}: there are ${ARGUMENTS.join(', ')}.`);
  if (new Set(Object.values(ports)).size < 3) {
    throw new CannotStart('PORT, PATIENT_PORT and DOCTOR_PORT must be three different ports.');
  }
  return {
    ports,
    logLevel,
    /** Databases that are there already, instead of ours. */
    given,
    dataFolder: resolve(readDataFolder(environment)),
    /** Loaded where everybody may do everything: no single role may all that a clinic's data needs. */
    demo: !args.includes('--empty') && !args.includes('--auth'),
    auth: args.includes('--auth'),
    watch: args.includes('--watch'),
    /** The npm that started us, if one did: we do not outlive it. */
    npm: env.npm_lifecycle_event === undefined ? undefined : process.ppid,
    inherited: withoutOurs(env),
  };
}

function givenDatabase(environment: Environment, name: DatabaseName): DatabaseUrls | undefined {
  const variables = [
    `${name.toUpperCase()}_DATABASE_URL`,
    `${name.toUpperCase()}_OWNER_DATABASE_URL`,
  ] as const;
  const isGiven = variables.some(
    (each) => environment.text(each, '') + environment.text(`${each}_FILE`, '') !== '',
  );
  if (!isGiven) return undefined;
  return { url: environment.postgresUrl(variables[0]), ownerUrl: environment.postgresUrl(variables[1]) };
}

/** What the services get of our environment: all but what we give each of them ourselves. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ours =
    /^((PATIENT_|DOCTOR_)?(OWNER_)?DATABASE_URL(_FILE)?|(PATIENT_|DOCTOR_)?PORT|DATA_DIR|AUTH(_\w+)?|DOCTOR_SERVICE_TOKEN_FILE)$/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ours.test(name)));
}
