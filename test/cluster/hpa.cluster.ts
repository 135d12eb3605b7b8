import { jest } from '@jest/globals';
import { eventually } from '../../services/testing/eventually.ts';
import { makeClinic } from './clinic.ts';
import { allReady, apply, deployLocal, kubectl, list } from './cluster.ts';
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

const replicas = async (): Promise<number> => {
  const [deployment] = await list('deployments', '-l', 'app.kubernetes.io/name=patient');
  return deployment?.spec.replicas as number;
};

test('more pods under load, as few as before after it, and none of it costs a request', async () => {
  await eventually(async () => expect(await replicas()).toBe(2), limitMs(120));
  const clinic = await makeClinic();
  const traffic = startTraffic(clinic);
  const up = await timed(() =>
    eventually(async () => expect(await replicas()).toBeGreaterThan(2), limitMs(180)),
  );
  await allReady();
  const report = await traffic.stop();
  measured('more replicas after', inSeconds(up));
  measured('while scaling up', summary(report));
  const down = await timed(() => eventually(async () => expect(await replicas()).toBe(2), limitMs(240)));
  measured('fewer replicas after', inSeconds(down));
  await clinic.caller.close();
  expect(report.failures).toEqual([]);
});
