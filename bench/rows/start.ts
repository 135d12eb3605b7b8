import { readFile } from 'node:fs/promises';
import { freePort } from '../../services/local/ports.ts';
import { closedLoop, getRequest, median, postRequest } from '../load.ts';
import type { Bench, Measurement, Sized } from '../row.ts';
import { anyOf } from '../sample.ts';
import { POD_HEAP, startProgram } from '../system.ts';

/** Memory that a process holds, in MB (Linux; elsewhere NaN). */
async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** From the start of the process to the first 200 of /readyz, in milliseconds. */
async function startToReady(node: string, { system }: Sized, service: 'patient' | 'doctor'): Promise<number> {
  const port = await freePort();
  const env = {
    AUTH: 'off',
    NODE_OPTIONS: POD_HEAP,
    DRAIN_DELAY_MS: '0',
    DATABASE_URL: system.databaseUrl(service),
    ...(service === 'patient' ? { DOCTOR_SERVICE_URL: `http://127.0.0.1:${system.doctor.port}` } : {}),
  };
  const started = performance.now();
  const starting = startProgram([node, `dist/${service}/main.js`], env, port, /"ready/);
  const isReady = () =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ status }) => status === 200,
      () => false,
    );
  while (!(await isReady())) {
    if (performance.now() - started > 30_000) throw new Error(`the ${service} service was not ready in 30 s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const took = performance.now() - started;
  await (await starting).stop();
  return took;
}

/** Start to ready, and what each service holds in memory after load of all kinds. */
export async function start({ sized, node, rounds, seconds, progress }: Bench): Promise<Measurement> {
  const [, one] = sized;
  const { patient, doctor } = one.system;
  const { patientIds, doctorIds } = one.data;
  const took = { patient: [] as number[], doctor: [] as number[] };
  for (let round = 1; round <= rounds; round += 1) {
    for (const service of ['patient', 'doctor'] as const)
      took[service].push(await startToReady(node, one, service));
    progress(`round ${round} of ${rounds}`);
  }
  const from = new Date().toISOString();
  const to = new Date(Date.now() + 14 * 86_400_000).toISOString();
  const loads = [
    { port: patient.port, next: () => getRequest(`/patients/${anyOf(patientIds)}`) },
    { port: patient.port, next: () => getRequest('/patients?limit=50') },
    {
      port: patient.port,
      // Whatever comes of it: the time may be taken. On days that the rows about bookings do not reach.
      next: () =>
        postRequest('/appointments', {
          patientId: anyOf(patientIds),
          doctorId: anyOf(doctorIds),
          startsAt: new Date(
            Math.ceil(Date.now() / 86_400_000 + 60 + Math.floor(Math.random() * 10)) * 86_400_000,
          ).toISOString(),
          durationMinutes: 30,
        }),
    },
    {
      port: doctor.port,
      next: () => getRequest(`/doctors/${anyOf(doctorIds)}/availability?from=${from}&to=${to}`),
    },
  ];
  for (const load of loads) await closedLoop({ ...load, connections: 64, seconds: 2 * seconds });
  const rows = [];
  for (const service of ['patient', 'doctor'] as const)
    rows.push(
      {
        row: `${service} service: start to ready, s`,
        measured: median(took[service]) / 1000,
        atMost: 1,
        of: 'from the start of the process to the first 200 of /readyz, schema in place',
      },
      {
        row: `${service} service: memory after load, MB`,
        measured: await residentMegabytes(one.system[service].pid),
        atMost: 150,
        of: 'resident, heap as in a pod of 256 MiB, 64 clients',
      },
    );
  return { rows };
}
