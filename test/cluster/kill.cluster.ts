import { jest } from '@jest/globals';
import { eventually } from '../../services/testing/eventually.ts';
import { type Clinic, makeClinic } from './clinic.ts';
import { allReady, apply, deployLocal, evaluateIn, podsOf, type Service, services } from './cluster.ts';
import { inSeconds, limitMs, measured } from './limits.ts';
import { underLoad } from './load.ts';

jest.setTimeout(limitMs(300));

let clinic: Clinic;
beforeAll(async () => {
  await apply('k8s/tests/kill');
  await allReady();
  clinic = await makeClinic();
});
afterAll(async () => {
  await clinic?.caller.close();
  await deployLocal();
});

/** Kills the process of the service and not the one that runs this. */
const KILL = `
const fs = require('node:fs');
for (const pid of fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name))) {
  let command = '';
  try { command = fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8'); } catch {}
  if (/\\/main\\.js\\0/.test(command) && Number(pid) !== process.pid) process.kill(Number(pid), 'SIGKILL');
}`;

const restartsOf = async (service: Service): Promise<number> =>
  (await podsOf(service))
    .flatMap(({ status }) => status.containerStatuses as { restartCount: number }[])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);

/** Until the container is started again, which the kubelet does once a second or so, nobody listens behind the pod's address. */
const DEAD_SECONDS = 5;

test.each(services)(
  'SIGKILL of one %s process under load breaks no invariant and loses no booking',
  async (service) => {
    const [pod] = await podsOf(service);
    const before = await restartsOf(service);
    let killedAt = 0;
    const result = await underLoad(clinic, `SIGKILL of a process of ${service}`, async (traffic) => {
      killedAt = traffic.elapsed();
      await evaluateIn(pod?.metadata.name ?? '', service, KILL);
      await eventually(async () => expect(await restartsOf(service)).toBe(before + 1), limitMs(30));
      await allReady();
    });
    expect(result.broken).toEqual([]);
    expect(result.lost).toEqual([]);
    const { failures, requests } = result;
    const last = Math.max(killedAt, ...failures.map(({ startedAt }) => startedAt)) - killedAt;
    measured(
      `failed when ${service} was killed`,
      `${failures.length} of ${requests}, the last began ${inSeconds(last)} after it`,
    );
    // The controller's words: 502 where nobody listens or the connection ended, 500 where it ended within an answer
    // (io.ErrUnexpectedEOF is neither io.EOF nor a net.Error to Traefik 3.6). A 500 of the service would be a problem.
    expect(failures.filter(({ answer, isProblem }) => isProblem || !/^50[02]$/.test(answer))).toEqual([]);
    expect(last).toBeLessThan(limitMs(DEAD_SECONDS));
    for (const { repeat } of failures) {
      if (repeat !== undefined) expect((await repeat()).status).toBe(201);
    }
  },
);
