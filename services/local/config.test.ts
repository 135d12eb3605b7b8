import { resolve } from 'node:path';
import { readConfig } from './config.ts';

const URLS = {
  PATIENT_DATABASE_URL: 'postgres://app:p@h/x',
  PATIENT_OWNER_DATABASE_URL: 'postgres://owner:p@h/x',
};

test('needs no variable', () => {
  expect(readConfig([], {})).toMatchObject({
    ports: { PORT: 8080, PATIENT_PORT: 3001, DOCTOR_PORT: 3002 },
    logLevel: 'warn',
    dataFolder: resolve('.data'),
    demo: true,
    watch: false,
    npm: undefined,
  });
});

test('--empty loads no demo clinic, and DATA_DIR says where the data is', () => {
  expect(readConfig(['--empty'], { DATA_DIR: '/srv/clinic' })).toMatchObject({
    demo: false,
    dataFolder: '/srv/clinic',
  });
});

test('databases that are given are used instead of ours', () => {
  const { given } = readConfig([], URLS);
  expect(given.get('patient')).toEqual({ url: 'postgres://app:p@h/x', ownerUrl: 'postgres://owner:p@h/x' });
  expect(given.get('doctor')).toBeUndefined();
});

test.each([
  ['a port that is none', [], { PORT: '80800' }, 'PORT must be a whole number from 1 to 65535'],
  ['a port twice', [], { PORT: '3001' }, 'PORT, PATIENT_PORT and DOCTOR_PORT must be three different ports.'],
  [
    'an unknown level',
    [],
    { LOG_LEVEL: 'loud' },
    'LOG_LEVEL must be one of: trace, debug, info, warn, error, fatal, silent',
  ],
  ['an unknown argument', ['--emtpy'], {}, 'Unknown argument --emtpy: there are --empty, --watch, --auth.'],
  [
    'half a pair of URLs',
    [],
    { PATIENT_DATABASE_URL: URLS.PATIENT_DATABASE_URL },
    'PATIENT_OWNER_DATABASE_URL or PATIENT_OWNER_DATABASE_URL_FILE must be set to a URL such as',
  ],
])('refuses %s by name', (_what, args, env, message) => {
  expect(() => readConfig(args, env)).toThrow(message);
});

test('the services inherit the environment, but no port and no secret of another one', () => {
  const env = {
    ...URLS,
    PATH: '/bin',
    PORT: '1',
    DATA_DIR: '/x',
    DATABASE_URL_FILE: '/y',
    NODE_EXTRA_CA_CERTS: '/z',
  };
  expect(readConfig([], env).inherited).toEqual({ PATH: '/bin', NODE_EXTRA_CA_CERTS: '/z' });
});
