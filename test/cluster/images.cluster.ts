import { readFileSync } from 'node:fs';
import { jest } from '@jest/globals';
import { run, tryRun } from './command.ts';
import { limitMs, measured } from './limits.ts';

jest.setTimeout(limitMs(300));

const { version, dependencies, devDependencies } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as Record<'dependencies' | 'devDependencies', Record<string, string>> & { version: string };

const MAX_MB = 200;

interface Image {
  Size: number;
  Config: {
    User: string;
    Env: string[];
    Cmd: string[];
    Labels: Record<string, string>;
    ExposedPorts: Record<string, unknown>;
  };
}

/** All files of an image, as `docker export` has them: without a leading slash. */
async function filesOf(image: string): Promise<string[]> {
  const container = (await run('docker', ['create', image])).trim();
  try {
    const tar = await run('sh', ['-c', `docker export ${container} | tar -t`]);
    return tar.split('\n').filter((file) => file !== '' && !file.endsWith('/'));
  } finally {
    await tryRun('docker', ['rm', container]);
  }
}

describe.each([
  ['patient', 'doctor', 3001],
  ['doctor', 'patient', 3002],
])('the image of the %s service', (service, other, port) => {
  const name = `${service}:${version}`;
  let image: Image;
  let files: string[];
  let ours: string[];
  beforeAll(async () => {
    [image] = JSON.parse(await run('docker', ['image', 'inspect', name]));
    files = await filesOf(name);
    ours = files.filter((file) => file.startsWith('app/'));
  });

  test(`has at most ${MAX_MB} MB`, () => {
    measured(name, `${(image.Size / 1e6).toFixed(0)} MB, ${ours.length} files of ours`);
    expect(image.Size / 1e6).toBeLessThanOrEqual(MAX_MB);
  });

  test('runs as a number from 10000 up, so that the cluster can tell that it is not root', () => {
    expect(Number(/^(\d+):\d+$/.exec(image.Config.User)?.[1])).toBeGreaterThanOrEqual(10_000);
  });

  test('has no shell, no npm, and nothing of a package manager', () => {
    const programs = /(^|\/)(sh|bash|dash|busybox|npm|npx|yarn|corepack|apt|apt-get|dpkg|apk)$/;
    expect(files.filter((file) => !file.startsWith('app/') && programs.test(file))).toEqual([]);
    expect(files.filter((file) => /node_modules\/\.bin\/(npm|npx)$/.test(file))).toEqual([]);
  });

  test('has every dependency and no development dependency', () => {
    const installed = (packages: Record<string, string>) =>
      Object.keys(packages).filter((each) =>
        ours.some((file) => file.startsWith(`app/node_modules/${each}/`)),
      );
    expect(installed(dependencies)).toEqual(Object.keys(dependencies));
    // A dependency of ours has these of its own, without what matters of them to a compiler.
    const shared = new Set(['@types/node', '@types/pg']);
    expect(installed(devDependencies).filter((each) => !shared.has(each))).toEqual([]);
  });

  test('has no TypeScript, no test, no local setting', () => {
    expect(ours.filter((file) => /\.([cm]?ts|tsx)$|\.test\.|\.env|\.data|golden/.test(file))).toEqual([]);
    expect(ours.filter((file) => /dist\/(testing|local|failures)\//.test(file))).toEqual([]);
  });

  test('has its own service with its migrations, and nothing of the other', () => {
    expect(ours).toContain(`app/dist/${service}/main.js`);
    expect(ours.filter((file) => /migrations\/.*\.sql$/.test(file))).not.toEqual([]);
    expect(ours.filter((file) => file.startsWith(`app/dist/${other}`))).toEqual([]);
  });

  test('says what it is, and from which commit', () => {
    expect(image.Config.Labels).toMatchObject({
      'org.opencontainers.image.title': `${service} service`,
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.revision': expect.stringMatching(/^([0-9a-f]{40}|unknown)$/),
      'org.opencontainers.image.source': expect.any(String),
    });
    expect(Object.keys(image.Config.ExposedPorts)).toEqual([`${port}/tcp`]);
    expect(image.Config.Cmd).toEqual([`dist/${service}/main.js`]);
  });

  test('starts from its files alone, and says in one line what is missing', async () => {
    const { code, stdout } = await tryRun('docker', ['run', '--rm', '--network=none', '--read-only', name]);
    expect(code).toBe(1);
    const [line = '', ...more] = stdout.trim().split('\n');
    expect(more).toEqual([]);
    expect(JSON.parse(line)).toMatchObject({ level: 'error', msg: 'cannot start' });
    expect(line).toMatch(/DATABASE_URL.*AUTH/);
  });
});
