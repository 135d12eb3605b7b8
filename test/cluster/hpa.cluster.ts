import { jest } from '@jest/globals';
import { eventually } from '../../services/testing/eventually.ts';
import { makeClinic } from './clinic.ts';
import { allReady, apply, deployLocal, kubectl, list, type Service } from './cluster.ts';
import { inSeconds, limitMs, measured, timed } from './limits.ts';
import { startTraffic, summary } from './traffic.ts';

jest.setTimeout(limitMs(600));

beforeAll(async () => {
  await apply('k8s/tests/hpa');
  await allReady();
});
afterAll(async () => {
  await kubectl(['delete', 'hpa', '--all']);
  await deployLocal();
});

const replicas = async (): Promise<Record<Service, number>> => {
  const deployments = await list('deployments', '-l', 'app.kubernetes.io/component=service');
  return Object.fromEntries(
    deployments.map(({ metadata, spec }) => [metadata.name, spec.replicas as number]),
  ) as Record<Service, number>;
};
const FEWEST = { patient: 2, doctor: 2 };

/** Well below what one pod's target of the processor bears, so that the load does not keep them. */
const LITTLE_PER_SECOND = 5;

test('more pods of both services under load, as few as before after it, and neither way costs a request', async () => {
  await eventually(async () => expect(await replicas()).toEqual(FEWEST), limitMs(120));
  const clinic = await makeClinic();
  const much = startTraffic(clinic);
  const up = await timed(() =>
    eventually(async () => {
      const { patient, doctor } = await replicas();
      expect(Math.min(patient, doctor)).toBeGreaterThan(2);
    }, limitMs(180)),
  );
  await allReady();
  const growing = await much.stop();
  measured('more replicas after', inSeconds(up));
  measured('while scaling up', summary(growing));

  const little = startTraffic(clinic, LITTLE_PER_SECOND);
  const down = await timed(() =>
    eventually(async () => expect(await replicas()).toEqual(FEWEST), limitMs(240)),
  );
  // The last of them still drains.
  const fewestRemain = () => list('pods', '-l', 'app.kubernetes.io/component=service');
  await eventually(async () => expect(await fewestRemain()).toHaveLength(4), limitMs(60));
  const shrinking = await little.stop();
  measured('fewer replicas after', inSeconds(down));
  measured('while scaling down', summary(shrinking));
  await clinic.caller.close();
  expect(growing.failures).toEqual([]);
  expect(shrinking.requests).toBeGreaterThan(50);
  expect(shrinking.failures).toEqual([]);
});
