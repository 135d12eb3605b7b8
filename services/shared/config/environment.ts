import { readFileSync } from 'node:fs';
import { readSigningKey, type SigningKey } from '../audit/checkpoint.ts';
import type { Roles } from '../auth/authenticate.ts';
import { type Issuer, readIssuers } from '../auth/issuers.ts';
import { readNetworks } from '../http/client-address.ts';

/** Thrown once, with every problem of the configuration: each names its variable and what is allowed. */
export class ConfigurationError extends Error {
  constructor(errors: readonly string[]) {
    super(errors.join('; '));
    this.name = 'ConfigurationError';
  }
}

type Variables = Readonly<Record<string, string | undefined>>;

const POSTGRES = 'postgres://user:password@host:5432/database';

type Read = (variable: string) => string | undefined;

/** The file that a variable names. @throws Error that names the variable */
function readNamed(file: string, name: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${name} names a file that cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** `NAME`, or the content of the file that `NAME_FILE` names; undefined when neither is set. */
function readSecret(name: string, read: Read): string | undefined {
  const file = read(`${name}_FILE`);
  if (file === undefined) return read(name);
  if (read(name) !== undefined) throw new Error(`${name} and ${name}_FILE must not both be set`);
  return readNamed(file, `${name}_FILE`).trim();
}

/** Throws when it is none of ours; the value is never told, for it may hold a password. */
function requireUrl(name: string, given: string | undefined, protocols: readonly string[], example: string) {
  const url = given !== undefined && URL.canParse(given) ? new URL(given) : undefined;
  if (given === undefined || url === undefined || !protocols.includes(url.protocol))
    throw new Error(`${name} must be set to a URL such as ${example}`);
  try {
    decodeURIComponent(url.username + url.password);
  } catch {
    throw new Error(`${name} must have its user and password percent-encoded`);
  }
  return given;
}

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

  const attempt = <Value>(read: () => Value, placeholder: Value): Value => {
    try {
      return read();
    } catch (error) {
      errors.push((error as Error).message);
      return placeholder;
    }
  };

  return {
    number,
    oneOf,
    text: (name: string, fallback: string): string => value(name) ?? fallback,
    httpUrl: (name: string, example: string) =>
      attempt(() => requireUrl(name, value(name), ['http:', 'https:'], example), example),
    postgresUrl: (name: string) =>
      attempt(
        () =>
          requireUrl(
            `${name} or ${name}_FILE`,
            readSecret(name, value),
            ['postgres:', 'postgresql:'],
            POSTGRES,
          ),
        POSTGRES,
      ),
    /** What `read` makes of a text; it throws an Error that names the variable. */
    textAs: <Value>(name: string, read: (text: string, name: string) => Value, placeholder: Value): Value =>
      attempt(() => read(value(name) ?? '', name), placeholder),
    /** What `read` makes of a file that a variable names; it throws an Error that says what is wrong with it. */
    fileAs: <Value>(
      name: string,
      read: (file: string, name: string) => Value,
      placeholder: Value,
      { optional = false } = {},
    ): Value => {
      const file = value(name);
      if (file !== undefined) return attempt(() => read(file, name), placeholder);
      if (!optional) errors.push(`${name} must be set to the path of a file`);
      return placeholder;
    },
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

/** Who may sign tokens, and who is refused all the same. */
export interface TokenSettings {
  issuers: readonly Issuer[];
  denyFile: string | undefined;
  /** Of each subject, on average; twice as many at once. */
  requestsPerSecond: number;
}

function readAuth(environment: Environment, roles: Roles): 'off' | TokenSettings {
  if (environment.oneOf('AUTH', ['off', 'jwt']) === 'off') return 'off';
  return {
    issuers: environment.fileAs('AUTH_ISSUERS_FILE', (file) => readIssuers(file, Object.keys(roles)), []),
    denyFile: environment.fileAs('AUTH_DENY_FILE', requireReadable, undefined, { optional: true }),
    requestsPerSecond: environment.number('MAX_REQUESTS_PER_SECOND', { from: 1, to: 100_000, fallback: 100 }),
  };
}

/** @throws Error that names the variable */
function requireReadable(file: string, name: string): string {
  readNamed(file, name);
  return file;
}

/** What both services read alike. */
export const serviceSettings = (
  environment: Environment,
  { defaultPort, roles }: { defaultPort: number; roles: Roles },
) => ({
  port: environment.number('PORT', { from: 0, to: 65_535, fallback: defaultPort }),
  // Loopback unless told otherwise: a service without authentication must not be reachable by accident.
  host: environment.text('HOST', '127.0.0.1'),
  databaseUrl: environment.postgresUrl('DATABASE_URL'),
  poolMax: environment.number('DATABASE_POOL_MAX', { from: 1, to: 200, fallback: 10 }),
  auth: readAuth(environment, roles),
  // What checkpoints of the audit trail are signed with.
  auditKey: environment.fileAs<SigningKey | undefined>('AUDIT_KEY_FILE', readSigningKey, undefined, {
    optional: true,
  }),
  // Whose X-Forwarded-For is believed: nobody's, unless told otherwise.
  isTrustedProxy: environment.textAs('TRUSTED_PROXIES', readNetworks, () => false),
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
  maxRequestsAtWork: environment.number('MAX_REQUESTS_AT_WORK', { from: 1, to: 10_000, fallback: 40 }),
});

export type ServiceSettings = Readonly<ReturnType<typeof serviceSettings>>;

/** What `migrate` reads: the owner's connection, and the application role that gets its rights. */
export function migrationSettings(environment: Environment): {
  ownerUrl: string;
  applicationUrl: string;
  applicationRole: string;
} {
  const ownerUrl = environment.postgresUrl('OWNER_DATABASE_URL');
  const applicationUrl = environment.postgresUrl('DATABASE_URL');
  const { username } = new URL(applicationUrl);
  if (username === '') environment.refuse('DATABASE_URL must name the user that the service works as');
  return { ownerUrl, applicationUrl, applicationRole: decodeURIComponent(username) };
}
