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

const book = () => clinic.caller.call('POST', '/appointments', clinic.nextVisit());

/** Pages that a table has already may take some. */
const BOOKINGS_TO_FULL = 2_000;

test('a full volume: bookings 503, reads 200, one line says why, and all goes on when there is room', async () => {
  await inDatabase('cat /dev/zero > /var/lib/postgresql/filler 2>/dev/null || true');
  let answer = await book();
  let booked = 0;
  for (; answer.status === 201 && booked < BOOKINGS_TO_FULL; booked += 1) answer = await book();
  measured('bookings on a full volume', `${booked}, then ${answer.status}`);
  expect(answer.status).toBe(503);
  expect(JSON.parse(answer.text)).toMatchObject({ type: 'urn:problem-type:unavailable' });
  const [patientId] = clinic.patients;
  expect((await clinic.caller.call('GET', `/patients/${patientId}`)).status).toBe(200);
  const pods = await podsOf('patient');
  const logs = await Promise.all(
    pods.map(({ metadata }) => kubectl(['logs', metadata.name, '-c', 'patient'])),
  );
  expect(logs.join('')).toMatch(/53100/);

  await inDatabase('rm /var/lib/postgresql/filler');
  await eventually(async () => expect((await book()).status).toBe(201), limitMs(60));
  for (const { status } of await podsOf('patient'))
    expect(status.containerStatuses).toEqual([expect.objectContaining({ restartCount: 0 })]);
});

test('the data in the claim is there again, and what was booked meanwhile is reconciled', async () => {
  await deploy('k8s');
  expect(await reconcile()).toMatch(/ unknown-appointment: repaired\n/);
  expect(await reconcile()).toBe('0 differences, 0 repaired\n');
});
