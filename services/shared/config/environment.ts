import { readFileSync } from 'node:fs';

/** Thrown once, with every problem of the configuration: each names its variable and what is allowed. */
export class ConfigurationError extends Error {
  constructor(errors: readonly string[]) {
    super(errors.join('; '));
    this.name = 'ConfigurationError';
  }
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
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

  /** `NAME`, or the content of the file that `NAME_FILE` names; undefined when neither is set. */
  const secret = (name: string): string | undefined => {
    const file = value(`${name}_FILE`);
    if (file === undefined) return value(name);
    if (value(name) !== undefined) errors.push(`${name} and ${name}_FILE must not both be set`);
    try {
      return readFileSync(file, 'utf8').trim();
    } catch (error) {
      throw new Error(
        `${name}_FILE names a file that cannot be read: ${(error as NodeJS.ErrnoException).code}`,
      );
    }
  };

  const url = (
    name: string,
    read: () => string | undefined,
    protocols: readonly string[],
    example: string,
  ): string => {
    try {
      const given = read();
      const parsed = given === undefined || !URL.canParse(given) ? undefined : new URL(given);
      // The value itself may hold a password: it is never told.
      if (given === undefined || parsed === undefined || !protocols.includes(parsed.protocol))
        throw new Error(`${name} must be set to a URL such as ${example}`);
      if (!isDecodable(parsed.username + parsed.password))
        throw new Error(`${name} must have its user and password percent-encoded`);
      return given;
    } catch (error) {
      errors.push((error as Error).message);
      return example;
    }
  };

  return {
    number,
    oneOf,
    text: (name: string, fallback: string): string => value(name) ?? fallback,
    httpUrl: (name: string, example: string) => url(name, () => value(name), ['http:', 'https:'], example),
    postgresUrl: (name: string) =>
      url(
        `${name} or ${name}_FILE`,
        () => secret(name),
        ['postgres:', 'postgresql:'],
        'postgres://user:password@host:5432/database',
      ),
    /** Adds what a reader of several variables found wrong. */
    refuse: (error: string): void => {
      errors.push(error);
    },
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
export function migrationSettings(environment: Environment): { ownerUrl: string; applicationRole: string } {
  const ownerUrl = environment.postgresUrl('OWNER_DATABASE_URL');
  const { username } = new URL(environment.postgresUrl('DATABASE_URL'));
  if (username === '') environment.refuse('DATABASE_URL must name the user that the service works as');
  return { ownerUrl, applicationRole: decodeURIComponent(username) };
}
