import { jest } from '@jest/globals';
import { readDashboard, readExpression, readRuleFile, rulesOf } from '../../services/testing/alert-rules.ts';
import { eventually } from '../../services/testing/eventually.ts';
import { type Clinic, makeClinic } from './clinic.ts';
import { allReady, deployLocal, kubectl, list, podsOf, services } from './cluster.ts';
import { inSeconds, limitMs, measured, timed } from './limits.ts';
import { forwardPort, type PortForward } from './port-forward.ts';

jest.setTimeout(limitMs(600));

let clinic: Clinic;
let forward: PortForward;
beforeAll(async () => {
  await deployLocal();
  clinic = await makeClinic({ doctorCount: 1, patientCount: 1 });
  forward = await forwardPort('prometheus-0', 9090);
});
afterAll(async () => {
  forward?.close();
  await clinic?.caller.close();
});

async function ask<Data>(path: string): Promise<Data> {
  const answer = await fetch(`http://127.0.0.1:${forward.port}/api/v1/${path}`, {
    signal: AbortSignal.timeout(10_000),
  });
  return ((await answer.json()) as { data: Data }).data;
}

const book = (): Promise<{ status: number }> =>
  clinic.caller.call('POST', '/appointments', clinic.nextVisit());

test('every pod of both services is a target, and up', async () => {
  const pods = (await Promise.all(services.map(podsOf))).flat().map(({ metadata }) => metadata.name);
  await eventually(async () => {
    const { activeTargets } = await ask<{ activeTargets: { labels: { pod: string }; health: string }[] }>(
      'targets?state=active',
    );
    expect(activeTargets.map(({ labels, health }) => `${labels.pod} ${health}`).sort()).toEqual(
      pods.map((pod) => `${pod} up`).sort(),
    );
  }, limitMs(60));
});

test('every rule is healthy', async () => {
  await eventually(async () => {
    const { groups } = await ask<{ groups: { rules: { name: string; health: string }[] }[] }>('rules');
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.map(({ name }) => name).sort()).toEqual(
      rulesOf(readRuleFile())
        .map(({ alert, record }) => alert ?? record)
        .sort(),
    );
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
  }, limitMs(60));
});

test('every metric that a rule or a panel names is there now', async () => {
  // Without a start, what an earlier version exported would count.
  const started = Date.now() / 1_000;
  expect((await book()).status).toBe(201);
  const expressions = [...rulesOf(readRuleFile()), ...readDashboard()].map(({ expr }) => expr);
  const named = new Set(
    expressions.flatMap((expr) => readExpression(expr).selectors.map(({ metric }) => metric)),
  );
  await eventually(async () => {
    const present = new Set(await ask<string[]>(`label/__name__/values?start=${started}`));
    expect([...named].filter((metric) => !present.has(metric))).toEqual([]);
  }, limitMs(90));
});

interface Alert {
  labels: { alertname: string };
  state: string;
}

test('AppointmentsUnsettled fires while the doctor service is away, and resolves when it is back', async () => {
  const states = async (): Promise<string[]> => {
    const { alerts } = await ask<{ alerts: Alert[] }>('alerts');
    return alerts
      .filter(({ labels }) => labels.alertname === 'AppointmentsUnsettled')
      .map(({ state }) => state);
  };
  expect(await states()).toEqual([]);
  await kubectl(['scale', 'deployment/doctor', '--replicas=0']);
  try {
    // Those that drain still answer.
    const gone = () => list('pods', '-l', 'app.kubernetes.io/name=doctor');
    await eventually(async () => expect(await gone()).toEqual([]), limitMs(90));
    expect((await book()).status).toBe(202);
    const fired = await timed(() =>
      eventually(async () => expect(await states()).toEqual(['firing']), limitMs(150)),
    );
    measured('the alert fires after', inSeconds(fired));
  } finally {
    await kubectl(['scale', 'deployment/doctor', '--replicas=2']);
  }
  await allReady();
  const resolved = await timed(() => eventually(async () => expect(await states()).toEqual([]), limitMs(90)));
  measured('the alert resolves after', inSeconds(resolved));
});
