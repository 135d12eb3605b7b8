const shared = {
  rootDir: import.meta.dirname ?? new URL('.', import.meta.url).pathname,
  roots: ['<rootDir>/services', '<rootDir>/test'],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, sourceMaps: 'inline' },
    ],
  },
};

const withPostgres = {
  ...shared,
  globalSetup: '<rootDir>/services/testing/global-setup.ts',
  globalTeardown: '<rootDir>/services/testing/global-teardown.ts',
};

// These send as many requests as the machine can take: beside another suite both would meet deadlines that are no defect.
const alone = '/(races|reserve-races|replicas|settler|outage|audit-crash)\\.int\\.test\\.ts$';

/** `pure` needs nothing; the others need the database server that their global setup starts; `alone` runs in band. */
export default {
  maxWorkers: 2,
  // A laptop may be busy; what hangs is found all the same.
  testTimeout: 30_000,
  projects: [
    {
      ...shared,
      displayName: 'pure',
      testMatch: ['**/*.test.ts'],
      testPathIgnorePatterns: ['\\.int\\.test\\.ts$'],
    },
    {
      ...withPostgres,
      displayName: 'postgres',
      testMatch: ['**/*.int.test.ts'],
      testPathIgnorePatterns: [alone],
    },
    { ...withPostgres, displayName: 'alone', testRegex: [alone] },
  ],
};
