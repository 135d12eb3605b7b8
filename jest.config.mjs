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

/** `pure` needs nothing; `postgres` needs the database server that its global setup starts. */
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
      ...shared,
      displayName: 'postgres',
      testMatch: ['**/*.int.test.ts'],
      globalSetup: '<rootDir>/services/testing/global-setup.ts',
      globalTeardown: '<rootDir>/services/testing/global-teardown.ts',
    },
  ],
};
