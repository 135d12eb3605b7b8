import { jest } from '@jest/globals';
import { eventually } from '../../services/testing/eventually.ts';
import { makeClinic } from './clinic.ts';
import { deployLocal, evaluateIn, kubectl, podsOf, type Service, services } from './cluster.ts';
import { limitMs, measured } from './limits.ts';
import { startTraffic, summary } from './traffic.ts';

jest.setTimeout(limitMs(300));

beforeAll(deployLocal);

/** When a pod's first process began, in milliseconds since 1970; the kernel counts in hundredths of a second. */
const BEGAN = `
const { readFileSync } = require('node:fs');
const ticks = Number(readFileSync('/proc/1/stat', 'utf8').split(') ')[1].split(' ')[19]);
const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
console.log(Date.now() - (uptime - ticks / 100) * 1000);`;

/** In bytes; the kernel's kB are 1,024 of them. */
const RESIDENT = `console.log(/VmRSS:\\s+(\\d+) kB/.exec(require('node:fs').readFileSync('/proc/1/status', 'utf8'))[1] * 1024)`;

async function startMs(pod: string, service: Service): Promise<number> {
  const began = Number(await evaluateIn(pod, service, BEGAN));
  const lines = (await kubectl(['logs', pod, '-c', service])).split('\n');
  const ready = lines.find((line) => line.includes('"msg":"ready: '));
  return Date.parse((JSON.parse(ready ?? '{}') as { time: string }).time) - began;
}

test.each(services)('the %s process is ready within 2 s when the schema is in place', async (service) => {
  const [old] = await podsOf(service);
  await kubectl(['delete', 'pod', old?.metadata.name ?? '', '--wait=false']);
  const replaced = await eventually(async () => {
    const pods = await podsOf(service);
    const young = pods.find(
      ({ metadata, status }) =>
        metadata.creationTimestamp > (old?.metadata.creationTimestamp ?? '') &&
        status.containerStatuses?.[0]?.ready,
    );
    if (young === undefined) throw new Error('no new pod is ready');
    return young.metadata.name;
  }, limitMs(60));
  const took = await startMs(replaced, service);
  measured(`start of ${service} to ready`, `${took.toFixed(0)} ms`);
  expect(took).toBeLessThan(limitMs(2));
});

test('the processes hold at most 150 MB after 30 s of load', async () => {
  const clinic = await makeClinic();
  const traffic = startTraffic(clinic);
  await eventually(async () => expect(traffic.elapsed()).toBeGreaterThan(30_000), 40_000);
  measured('the load', summary(await traffic.stop()));
  await clinic.caller.close();
  for (const service of services) {
    const pods = await podsOf(service);
    expect(pods).toHaveLength(2);
    for (const { metadata } of pods) {
      const resident = Number(await evaluateIn(metadata.name, service, RESIDENT)) / 1_000_000;
      // Node itself takes some 40: less was not measured.
      expect(resident).toBeGreaterThan(20);
      measured(`memory of ${metadata.name}`, `${resident.toFixed(0)} MB`);
      expect(resident).toBeLessThanOrEqual(150);
    }
  }
});
