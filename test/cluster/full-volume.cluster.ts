import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { eventually } from '../../services/testing/eventually.ts';
import { type Clinic, makeClinic } from './clinic.ts';
import { allReady, apply, deployLocal, kubectl, podsOf } from './cluster.ts';
import { limitMs, measured } from './limits.ts';

jest.setTimeout(limitMs(300));

/** Another database needs its schema, which a pod brings when it starts. */
async function deploy(folder: string): Promise<void> {
  await apply(folder);
  await kubectl(['rollout', 'restart', 'deployment/patient']);
  await allReady();
}

const reconcile = (): Promise<string> =>
  kubectl([
    'exec',
    'deployment/patient',
    '-c',
    'patient',
    '--',
    ...'/nodejs/bin/node dist/patient/main.js reconcile --repair'.split(' '),
  ]);

let clinic: Clinic;
beforeAll(async () => {
  await deployLocal();
  await deploy('k8s/tests/full-volume');
  clinic = await makeClinic({ doctorCount: 1, patientCount: 1 });
});
afterAll(async () => {
  await clinic?.caller.close();
});

const inDatabase = (command: string): Promise<string> =>
  kubectl(['exec', 'patient-postgres-0', '-c', 'postgres', '--', 'bash', '-c', command]);

const book = (headers = {}) => clinic.caller.call('POST', '/appointments', clinic.nextVisit(), headers);

const restartsOf = async (name: string): Promise<number[]> =>
  (await podsOf(name)).flatMap(({ status }) =>
    (status.containerStatuses as { restartCount: number }[]).map(({ restartCount }) => restartCount),
  );

interface Line {
  level: string;
  msg: string;
  request_id?: string;
  error?: { code?: string };
}

/** What the pods of the patient service said about a request. */
async function linesAbout(requestId: string): Promise<Line[]> {
  const logs = await Promise.all(
    (await podsOf('patient')).map(({ metadata }) => kubectl(['logs', metadata.name, '-c', 'patient'])),
  );
  return logs
    .flatMap((log) => log.trim().split('\n'))
    .map((line) => JSON.parse(line) as Line)
    .filter(({ request_id, level }) => request_id === requestId && level !== 'info');
}

/** Pages that a table has already may take some. */
const BOOKINGS_TO_FULL = 2_000;

test('a full volume: bookings 503, reads 200, one line of each refused one says why, and all goes on without a restart when there is room', async () => {
  await inDatabase('cat /dev/zero > /var/lib/postgresql/filler 2>/dev/null || true');
  let answer = await book();
  let booked = 0;
  for (; answer.status === 201 && booked < BOOKINGS_TO_FULL; booked += 1) answer = await book();
  measured('bookings on a full volume', `${booked}, then ${answer.status}`);
  expect(answer.status).toBe(503);
  expect(JSON.parse(answer.text)).toMatchObject({ type: 'urn:problem-type:unavailable' });
  const [patientId] = clinic.patients;
  expect((await clinic.caller.call('GET', `/patients/${patientId}`)).status).toBe(200);
  const requestId = randomUUID();
  expect((await book({ 'x-request-id': requestId })).status).toBe(503);
  // Lines gather for a moment before they leave, and the kubelet takes its time, too.
  await eventually(
    async () =>
      expect(await linesAbout(requestId)).toEqual([
        // disk_full
        expect.objectContaining({ error: expect.objectContaining({ code: '53100' }) }),
      ]),
    limitMs(10),
  );

  await inDatabase('rm /var/lib/postgresql/filler');
  await eventually(async () => expect((await book()).status).toBe(201), limitMs(60));
  expect(await restartsOf('patient')).toEqual([0, 0]);
  expect(await restartsOf('patient-postgres')).toEqual([0]);
});

test('the data in the claim is there again, and what was booked meanwhile is reconciled', async () => {
  await deploy('k8s');
  expect(await reconcile()).toMatch(/ unknown-appointment: repaired\n/);
  expect(await reconcile()).toBe('0 differences, 0 repaired\n');
});
