import { jest } from '@jest/globals';
import { eventually } from '../../services/testing/eventually.ts';
import { type Clinic, makeClinic } from './clinic.ts';
import { allReady, deployLocal, type KubeObject, kubectl, list, podsOf } from './cluster.ts';
import { openDatabase } from './databases.ts';
import { inSeconds, limitMs, measured, timed } from './limits.ts';

jest.setTimeout(limitMs(300));

let clinic: Clinic;
beforeAll(async () => {
  await deployLocal();
  clinic = await makeClinic({ doctorCount: 1, patientCount: 1 });
});
beforeEach(deployLocal);
afterAll(async () => {
  await clinic?.caller.close();
  await deployLocal();
});

/** Starts a new pod of the doctor service beside the present ones, and returns it. */
async function restart(): Promise<() => Promise<KubeObject>> {
  const before = new Set((await podsOf('doctor')).map(({ metadata }) => metadata.name));
  await kubectl(['rollout', 'restart', 'deployment/doctor']);
  return async () => {
    const pod = (await podsOf('doctor')).find(({ metadata }) => !before.has(metadata.name));
    if (pod === undefined) throw new Error('There is no new pod yet');
    return pod;
  };
}

const migrating = ({ status }: KubeObject) =>
  status.initContainerStatuses?.[0] as { restartCount: number; ready: boolean } | undefined;

const logOf = (pod: KubeObject, container: string): Promise<string> =>
  kubectl(['logs', pod.metadata.name, '-c', container]);

/** The old pods go on while a new one cannot start. */
async function expectService(): Promise<void> {
  const { status } = await clinic.caller.call('POST', '/appointments', clinic.nextVisit());
  if (status !== 201) throw new Error(`A booking was answered ${status}; ${await newestLogLines()}`);
}

/** What both services said of the last seconds, to be read beside a failure. */
const newestLogLines = (): Promise<string> =>
  kubectl([
    'logs',
    '-l',
    'app.kubernetes.io/name in (patient,doctor)',
    '--prefix',
    '--since=10s',
    '--tail=50',
  ]);

async function secretOf(volume: string): Promise<KubeObject> {
  const [deployment] = await list('deployments', '-l', 'app.kubernetes.io/name=doctor');
  const volumes = deployment?.spec.template.spec.volumes as {
    name: string;
    secret?: { secretName: string };
  }[];
  const name = volumes.find((candidate) => candidate.name === volume)?.secret?.secretName ?? '';
  return JSON.parse(await kubectl(['get', 'secret', name, '-o', 'json'])) as KubeObject;
}

test('a missing Secret: an event names it, the old pods go on, and the new ones start when it is there', async () => {
  const { metadata } = await secretOf('database');
  await kubectl(['delete', 'secret', metadata.name]);
  const newest = await restart();
  await eventually(async () => {
    const pod = await newest();
    const events = await list('events', '--field-selector', `involvedObject.name=${pod.metadata.name}`);
    expect(events.map(({ message }) => message as string)).toContainEqual(
      expect.stringContaining(`secret "${metadata.name}" not found`),
    );
  }, limitMs(60));
  await expectService();
  await deployLocal();
});

test('a database that is late: one line says what is waited for, nothing restarts, and the pods start when it is there', async () => {
  await kubectl(['scale', 'statefulset/doctor-postgres', '--replicas=0']);
  await eventually(async () => expect(await podsOf('doctor-postgres')).toEqual([]), limitMs(60));
  const newest = await restart();
  await eventually(async () => {
    const lines = (await logOf(await newest(), 'migrate')).trim().split('\n');
    // Three tries: by then a container that ends would have been started again.
    expect(lines.filter((line) => line.includes('waiting for the database: '))).toHaveLength(lines.length);
    expect(lines.length).toBeGreaterThanOrEqual(3);
  }, limitMs(60));
  expect(migrating(await newest())?.restartCount).toBe(0);
  // What waits is told to end, and does not need to be killed when its 35 seconds are over.
  const waiting = (await newest()).metadata.name;
  const took = await timed(() => kubectl(['delete', 'pod', waiting]));
  measured('a pod that waits for its database ends after', inSeconds(took));
  expect(took).toBeLessThan(limitMs(10));
  await kubectl(['scale', 'statefulset/doctor-postgres', '--replicas=1']);
  await allReady();
  expect(migrating(await newest())?.restartCount).toBe(0);
  await expectService();
});

test('a wrong DATABASE_URL: one line says so, the old pods go on, and the new ones start when it is mended', async () => {
  const { metadata, data } = await secretOf('database');
  const url = new URL(Buffer.from(data.url as string, 'base64').toString());
  url.password = 'not-the-password';
  const put = (text: string) =>
    kubectl(['patch', 'secret', metadata.name, '-p', JSON.stringify({ stringData: { url: text } })]);
  await put(url.href);
  const newest = await restart();
  await eventually(async () => {
    const pod = await newest();
    const log = await kubectl(['logs', pod.metadata.name, '-c', 'migrate', '--previous']);
    expect(log.trim().split('\n').at(-1)).toContain(
      'the database refuses the user or its password; check DATABASE_URL',
    );
    expect(log).not.toContain('not-the-password');
  }, limitMs(60));
  await expectService();
  await put(Buffer.from(data.url as string, 'base64').toString());
  await allReady();
});

test('a schema newer than the code: one line says so, and the pods serve all the same', async () => {
  const database = await openDatabase('doctor');
  try {
    await database.db.query(`insert into migrations (name, run_on) values ('9999_later', now())`);
    const newest = await restart();
    await allReady();
    expect(await logOf(await newest(), 'doctor')).toMatch(
      /9999_later instead of .*the schema is newer than the code/,
    );
    await expectService();
  } finally {
    await database.db.query(`delete from migrations where name = '9999_later'`);
    await database.close();
  }
});
