import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConfigurationError, migrationSettings, readEnvironment, serviceSettings } from './environment.ts';

const DATABASE_URL = 'postgres://app:secret@db.example:5432/clinic';
const LEAST = { AUTH: 'off', DATABASE_URL };

function read(variables: Record<string, string>) {
  const environment = readEnvironment(variables);
  const settings = serviceSettings(environment, { defaultPort: 3001, roles: { reader: {} } });
  environment.done();
  return settings;
}

const refusal = (variables: Record<string, string>): string => {
  try {
    read(variables);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  return 'accepted';
};

let folder: string;
const file = (name: string, content: string): string => {
  const where = path.join(folder, name);
  writeFileSync(where, content);
  return where;
};
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'environment-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('the least that must be set, and what the rest then is', () => {
  expect(read(LEAST)).toEqual({
    port: 3001,
    host: '127.0.0.1',
    databaseUrl: DATABASE_URL,
    poolMax: 10,
    auth: 'off',
    isTrustedProxy: expect.any(Function),
    logLevel: 'info',
    drainDelayMs: 5_000,
    keepAliveTimeoutMs: 95_000,
    revision: 'unknown',
    maxRequestsInFlight: 256,
    maxRequestsAtWork: 40,
  });
});

test('a variable that is empty is as good as not set', () => {
  expect(read({ ...LEAST, PORT: '', LOG_LEVEL: '' })).toMatchObject({ port: 3001, logLevel: 'info' });
});

test('every bad variable is named at once, with what is allowed and without its value', () => {
  const message = refusal({
    PORT: '70000',
    DATABASE_URL: 'mysql://root:hunter2@db/clinic',
    LOG_LEVEL: 'loud',
    DRAIN_DELAY_MS: '5s',
    DATABASE_POOL_MAX: '0',
    KEEP_ALIVE_TIMEOUT_MS: '-1',
    MAX_REQUESTS_IN_FLIGHT: '1.5',
    MAX_REQUESTS_AT_WORK: '0',
    TRUSTED_PROXIES: 'everybody',
  });
  expect(message.split('; ')).toEqual([
    'PORT must be a whole number from 0 to 65535',
    'DATABASE_URL or DATABASE_URL_FILE must be set to a URL such as postgres://user:password@host:5432/database',
    'DATABASE_POOL_MAX must be a whole number from 1 to 200',
    'AUTH must be set to one of: off, jwt',
    'TRUSTED_PROXIES must be networks such as 10.244.0.0/16, with commas between them',
    'LOG_LEVEL must be one of: fatal, error, warn, info, debug, trace, silent',
    'DRAIN_DELAY_MS must be a whole number from 0 to 60000',
    'KEEP_ALIVE_TIMEOUT_MS must be a whole number from 1000 to 3600000',
    'MAX_REQUESTS_IN_FLIGHT must be a whole number from 1 to 10000',
    'MAX_REQUESTS_AT_WORK must be a whole number from 1 to 10000',
  ]);
  expect(message).not.toContain('hunter2');
  expect(message).not.toContain('\n');
});

describe('AUTH=jwt', () => {
  const JWT = { AUTH: 'jwt', DATABASE_URL };
  const key = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' };
  const entry = {
    issuer: 'https://a.example',
    audience: 'clinic',
    jwks: { keys: [key] },
    roleClaim: '/role',
  };

  test('reads the issuers and the limits', () => {
    const AUTH_ISSUERS_FILE = file('issuers', JSON.stringify([entry]));
    const AUTH_DENY_FILE = file('denied', '');
    expect(read({ ...JWT, AUTH_ISSUERS_FILE, AUTH_DENY_FILE }).auth).toMatchObject({
      issuers: [{ ...entry, algorithms: ['RS256', 'ES256', 'EdDSA'] }],
      denyFile: AUTH_DENY_FILE,
      requestsPerSecond: 100,
    });
  });

  test('does not start without issuers, or with a list that cannot be read', () => {
    expect(refusal(JWT)).toBe('AUTH_ISSUERS_FILE must be set to the path of a file');
    expect(refusal({ ...JWT, AUTH_ISSUERS_FILE: path.join(folder, 'none') })).toBe(
      'AUTH_ISSUERS_FILE names a file that cannot be read: ENOENT',
    );
    const AUTH_ISSUERS_FILE = file('issuers', JSON.stringify([entry]));
    expect(refusal({ ...JWT, AUTH_ISSUERS_FILE, AUTH_DENY_FILE: path.join(folder, 'none') })).toBe(
      'AUTH_DENY_FILE names a file that cannot be read: ENOENT',
    );
  });
});

test('without AUTH nothing starts', () => {
  expect(refusal({ DATABASE_URL })).toBe('AUTH must be set to one of: off, jwt');
  expect(refusal({ ...LEAST, AUTH: 'none' })).toBe('AUTH must be one of: off, jwt');
});

test('a secret may stand in a file', () => {
  expect(read({ AUTH: 'off', DATABASE_URL_FILE: file('url', `${DATABASE_URL}\n`) }).databaseUrl).toBe(
    DATABASE_URL,
  );
});

test('a secret’s file that cannot be read, is empty or stands beside the variable is told by name', () => {
  expect(refusal({ AUTH: 'off', DATABASE_URL_FILE: path.join(folder, 'none') })).toBe(
    'DATABASE_URL_FILE names a file that cannot be read: ENOENT',
  );
  expect(refusal({ AUTH: 'off', DATABASE_URL_FILE: file('empty', '\n') })).toMatch(
    /^DATABASE_URL or DATABASE_URL_FILE must be set/,
  );
  expect(refusal({ ...LEAST, DATABASE_URL_FILE: file('url', DATABASE_URL) })).toBe(
    'DATABASE_URL and DATABASE_URL_FILE must not both be set',
  );
});

test('a URL whose password is not percent-encoded is told, without the password', () => {
  const message = refusal({ AUTH: 'off', DATABASE_URL: 'postgres://app:100%sure@db/clinic' });
  expect(message).toMatch(/^DATABASE_URL or DATABASE_URL_FILE .*percent-encoded/);
  expect(message).not.toContain('100%sure');
});

describe('migrate', () => {
  const migrate = (variables: Record<string, string>) => {
    const environment = readEnvironment(variables);
    const settings = migrationSettings(environment);
    environment.done();
    return settings;
  };

  test('reads both URLs, and the role of the application from its own', () => {
    expect(
      migrate({
        OWNER_DATABASE_URL: 'postgres://owner@db/clinic',
        DATABASE_URL: 'postgres://the%20app:x@db/clinic',
      }),
    ).toEqual({
      ownerUrl: 'postgres://owner@db/clinic',
      applicationUrl: 'postgres://the%20app:x@db/clinic',
      applicationRole: 'the app',
    });
  });

  test('a URL without a user names no role', () => {
    expect(() =>
      migrate({ OWNER_DATABASE_URL: 'postgres://owner@db/clinic', DATABASE_URL: 'postgres://db/clinic' }),
    ).toThrow('DATABASE_URL must name the user');
  });

  test('both URLs are asked for at once', () => {
    expect(() => migrate({})).toThrow(/OWNER_DATABASE_URL .*; DATABASE_URL /);
  });
});
