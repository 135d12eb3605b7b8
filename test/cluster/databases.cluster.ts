import { jest } from '@jest/globals';
import { eventually } from '../../services/testing/eventually.ts';
import { type Clinic, makeClinic } from './clinic.ts';
import { allReady, deployLocal, type KubeObject, kubectl, podsOf, services } from './cluster.ts';
import { inSeconds, limitMs, measured } from './limits.ts';
import { underLoad } from './load.ts';

jest.setTimeout(limitMs(300));

let clinic: Clinic;
beforeAll(async () => {
  await deployLocal();
  clinic = await makeClinic();
});
afterAll(async () => {
  await clinic?.caller.close();
});

const isReady = ({ status }: KubeObject): boolean =>
  ((status.conditions ?? []) as { type: string; status: string }[]).some(
    (condition) => condition.type === 'Ready' && condition.status === 'True',
  );

test.each(services)(
  'the pod of the %s database killed under load: no acknowledged booking lost, 503 meanwhile, all settled within 10 s of its return',
  async (service) => {
    const [pod] = await podsOf(`${service}-postgres`);
    let returnedAt = 0;
    const result = await underLoad(clinic, `kill of the ${service} database`, async (traffic) => {
      const killedAt = traffic.elapsed();
      // One second to die, then SIGKILL. Not by force: two servers must not meet on one volume.
      await kubectl(['delete', 'pod', pod?.metadata.name ?? '', '--grace-period=1', '--wait=false']);
      await eventually(async () => {
        const [next] = await podsOf(`${service}-postgres`);
        expect(next?.metadata.uid).not.toBe(pod?.metadata.uid);
        expect(next !== undefined && isReady(next)).toBe(true);
      }, limitMs(60));
      returnedAt = performance.now();
      measured(`${service} database away`, inSeconds(traffic.elapsed() - killedAt));
    });
    const settledMs = result.settledAt - returnedAt;
    // The requests went on for two of them.
    measured('all settled after its return', inSeconds(settledMs));
    expect(settledMs).toBeLessThan(limitMs(10));
    expect(result.broken).toEqual([]);
    expect(result.lost).toEqual([]);
    expect(result.failures.filter(({ answer }) => !answer.startsWith('503'))).toEqual([]);
    expect(result.failures.filter(({ isProblem }) => isProblem)).not.toEqual([]);
    expect(result.acknowledged.length).toBeGreaterThan(0);
    await allReady();
  },
);
