import { readFileSync } from 'node:fs';

/** Thrown once, with every problem of the configuration: each names its variable and what is allowed. */
export class ConfigurationError extends Error {
  constructor(errors: readonly string[]) {
    super(errors.join('; '));
    this.name = 'ConfigurationError';
  }
}

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Reads variables one by one and collects what is wrong; `done()` throws it all at once.
 * A value of an invalid variable is a placeholder that never leaves, because `done()` throws.
 */
export function readEnvironment(variables: Variables = process.env) {
  const errors: string[] = [];

  const value = (name: string): string | undefined => {
    const given = variables[name];
    return given === undefined || given === '' ? undefined : given;
  };

  const number = (
    name: string,
    { from, to, fallback }: { from: number; to: number; fallback: number },
  ): number => {
    const given = value(name);
    if (given === undefined) return fallback;
    const parsed = /^\d+$/.test(given) ? Number(given) : Number.NaN;
    if (parsed >= from && parsed <= to) return parsed;
    errors.push(`${name} must be a whole number from ${from} to ${to}`);
    return fallback;
  };

  const oneOf = <Choice extends string>(
    name: string,
    choices: readonly Choice[],
    fallback?: Choice,
  ): Choice => {
    const given = value(name) ?? fallback;
    const choice = choices.find((candidate) => candidate === given);
    if (choice !== undefined) return choice;
    errors.push(`${name} must be ${given === undefined ? 'set to ' : ''}one of: ${choices.join(', ')}`);
    return choices[0] as Choice;
  };

  /** `NAME`, or the content of the file that `NAME_FILE` names. */
  const secret = (name: string): string | undefined => {
    const file = value(`${name}_FILE`);
    if (file === undefined) return value(name);
    if (value(name) !== undefined) errors.push(`${name} and ${name}_FILE must not both be set`);
    try {
      return readFileSync(file, 'utf8').trim();
    } catch (error) {
      errors.push(`${name}_FILE names a file that cannot be read: ${(error as NodeJS.ErrnoException).code}`);
      return undefined;
    }
  };

  const url = (
    name: string,
    given: string | undefined,
    protocols: readonly string[],
    example: string,
  ): string => {
    try {
      if (given !== undefined && protocols.includes(new URL(given).protocol)) return given;
    } catch {
      // Told below; the value itself may hold a password.
    }
    errors.push(`${name} must be set to a URL such as ${example}`);
    return example;
  };

  return {
    number,
    oneOf,
    text: (name: string, fallback: string): string => value(name) ?? fallback,
    httpUrl: (name: string, example: string) => url(name, value(name), ['http:', 'https:'], example),
    postgresUrl: (name: string) =>
      url(
        `${name} or ${name}_FILE`,
        secret(name),
        ['postgres:', 'postgresql:'],
        'postgres://user:password@host:5432/database',
      ),
    done: () => {
      if (errors.length > 0) throw new ConfigurationError(errors);
    },
  };
}

export type Environment = ReturnType<typeof readEnvironment>;

/** What both services read alike. */
export const serviceSettings = (environment: Environment, defaultPort: number) => ({
  port: environment.number('PORT', { from: 0, to: 65_535, fallback: defaultPort }),
  // Loopback unless told otherwise: a service without authentication must not be reachable by accident.
  host: environment.text('HOST', '127.0.0.1'),
  databaseUrl: environment.postgresUrl('DATABASE_URL'),
  poolMax: environment.number('DATABASE_POOL_MAX', { from: 1, to: 200, fallback: 10 }),
  auth: environment.oneOf('AUTH', ['off']),
  logLevel: environment.oneOf(
    'LOG_LEVEL',
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    'info',
  ),
  drainDelayMs: environment.number('DRAIN_DELAY_MS', { from: 0, to: 60_000, fallback: 5_000 }),
  keepAliveTimeoutMs: environment.number('KEEP_ALIVE_TIMEOUT_MS', {
    from: 1_000,
    to: 3_600_000,
    fallback: 95_000,
  }),
  // The commit that the image was built from.
  revision: environment.text('REVISION', 'unknown'),
  maxRequestsInFlight: environment.number('MAX_REQUESTS_IN_FLIGHT', { from: 1, to: 10_000, fallback: 256 }),
});

export type ServiceSettings = Readonly<ReturnType<typeof serviceSettings>>;

/** What `migrate` reads: the owner's connection, and the application role that gets its rights. */
export const migrationSettings = (environment: Environment) => ({
  ownerUrl: environment.postgresUrl('OWNER_DATABASE_URL'),
  applicationRole: decodeURIComponent(new URL(environment.postgresUrl('DATABASE_URL')).username),
});
