import { jest } from '@jest/globals';
import { eventually } from '../../services/testing/eventually.ts';
import { type Aftermath, type Clinic, makeClinic } from './clinic.ts';
import { allReady, deployLocal, evict, kubectl, list, podsOf, services } from './cluster.ts';
import { limitMs } from './limits.ts';
import { underLoad } from './load.ts';
import type { Report } from './traffic.ts';

jest.setTimeout(limitMs(300));

let clinic: Clinic;
beforeAll(async () => {
  await deployLocal();
  clinic = await makeClinic();
});
afterAll(async () => {
  await clinic?.caller.close();
});

function expectLossless({ failures, broken, lost, requests, seconds }: Report & Aftermath): void {
  expect(failures).toEqual([]);
  expect(broken).toEqual([]);
  expect(lost).toEqual([]);
  // Less would prove less.
  expect(requests / seconds).toBeGreaterThanOrEqual(100);
}

const gone = (name: string): Promise<void> =>
  eventually(async () => {
    const pods = await list('pods', '-l', `app.kubernetes.io/name=${name}`);
    expect(pods.filter(({ metadata }) => metadata.deletionTimestamp !== undefined)).toEqual([]);
  }, limitMs(60));

describe.each(services)('under load, the %s service', (service) => {
  test('loses no request in a rollout', async () => {
    const result = await underLoad(clinic, `rollout restart of ${service}`, async () => {
      await kubectl(['rollout', 'restart', `deployment/${service}`]);
      await allReady();
      await gone(service);
    });
    expectLossless(result);
  });

  test('loses no request when each pod is evicted, as a drained node does', async () => {
    const result = await underLoad(clinic, `eviction of each pod of ${service}`, async () => {
      for (const { metadata } of await podsOf(service)) {
        await eventually(async () => expect(await evict(metadata.name)).toBe(true), limitMs(60));
        await allReady();
      }
      await gone(service);
    });
    expectLossless(result);
  });

  test('loses no request when it is scaled from 3 to 1', async () => {
    await kubectl(['scale', `deployment/${service}`, '--replicas=3']);
    await allReady();
    const result = await underLoad(clinic, `scale of ${service} from 3 to 1`, async () => {
      await kubectl(['scale', `deployment/${service}`, '--replicas=1']);
      await gone(service);
    });
    expectLossless(result);
    await kubectl(['scale', `deployment/${service}`, '--replicas=2']);
    await allReady();
  });
});
