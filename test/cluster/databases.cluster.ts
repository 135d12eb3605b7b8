import { jest } from '@jest/globals';
import { eventually } from '../../services/testing/eventually.ts';
import { type Clinic, makeClinic } from './clinic.ts';
import { allReady, deployLocal, type KubeObject, kubectl, podsOf, services } from './cluster.ts';
import { type Gap, watchGaps } from './endpoints.ts';
import { inSeconds, limitMs, measured } from './limits.ts';
import { underLoad } from './load.ts';
import type { Failure } from './traffic.ts';

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

/** The controller hears of a pod this much later than we do, or this much earlier. */
const SPREAD_MS = limitMs(3);

/** Whether a request was under way while no pod was ready, so that nobody but the controller could answer it. */
const metNobody = ({ startedAt, endedAt }: Failure, gaps: readonly Gap[]): boolean =>
  gaps.some(({ from, to }) => endedAt > from - SPREAD_MS && startedAt < to + SPREAD_MS);

test.each(services)(
  'the pod of the %s database killed under load: no acknowledged booking lost, 503 meanwhile, all settled within 10 s of its return',
  async (service) => {
    const [pod] = await podsOf(`${service}-postgres`);
    let returnedAt = 0;
    let endpoints: ReturnType<typeof watchGaps> | undefined;
    const result = await underLoad(clinic, `kill of the ${service} database`, async (traffic) => {
      const killedAt = traffic.elapsed();
      endpoints = watchGaps(service, traffic.elapsed);
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
    const gaps = (await endpoints?.stop()) ?? [];
    const settledMs = result.settledAt - returnedAt;
    // The requests went on for two of them.
    measured('all settled after its return', inSeconds(settledMs));
    expect(settledMs).toBeLessThan(limitMs(10));
    expect(result.broken).toEqual([]);
    expect(result.lost).toEqual([]);
    const { failures } = result;
    const ours = failures.filter(({ answer }) => answer === '503 unavailable');
    const ofController = failures.filter(({ answer }) => answer === '503');
    const seconds = gaps.reduce((sum, { from, to }) => sum + to - from, 0);
    measured(
      `503 while the ${service} database was away`,
      `${ours.length} of ours, ${ofController.length} of the Ingress controller; no pod was ready for ${inSeconds(seconds)}`,
    );
    expect(failures.filter((failure) => !ours.includes(failure) && !ofController.includes(failure))).toEqual(
      [],
    );
    expect(ours).not.toEqual([]);
    expect(ofController.filter((failure) => !metNobody(failure, gaps))).toEqual([]);
    // Traefik's word for a service without a pod that is ready, unless it is told to allow empty services.
    if (gaps.length === 0)
      expect(Object.keys(result.answers).filter((answer) => answer.endsWith(' 404'))).toEqual([]);
    expect(result.acknowledged.length).toBeGreaterThan(0);
    await allReady();
  },
);
