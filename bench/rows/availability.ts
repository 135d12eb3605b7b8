import { type Latency, latencies, told } from '../latency.ts';
import { getRequest } from '../load.ts';
import type { Bench, Measurement } from '../row.ts';
import { shuffled } from '../sample.ts';

const PER_SECOND = 200;
const DOCTORS = 10;
const DAYS = 14;

/** All free times of ten doctors in two weeks, other doctors each time. A page of them would end before the two weeks do. */
export async function availability({ sized, quick, rounds, seconds, progress }: Bench): Promise<Measurement> {
  const from = new Date(Date.now() + 86_400_000).toISOString();
  const to = new Date(Date.now() + (1 + DAYS) * 86_400_000).toISOString();
  const questions = sized.map(({ system, data }) => ({
    port: system.doctor.port,
    next: () => {
      const doctors = shuffled(data.busyDoctorIds).slice(0, DOCTORS);
      const query = new URLSearchParams([
        ...doctors.map((id): [string, string] => ['doctorId', id]),
        ['from', from],
        ['to', to],
        ['durationMinutes', '30'],
        ['limit', '200'],
      ]);
      return getRequest(`/availability?${query}`);
    },
  }));
  const all = await latencies(questions, { perSecond: PER_SECOND, seconds, rounds, quick, progress });
  const [, middle, large] = all as [Latency, Latency, Latency];
  return {
    rows: [
      {
        row: `availability, ${DOCTORS} doctors × ${DAYS} days, ${PER_SECOND}/s: p99, ms`,
        measured: middle.p99,
        atMost: 15,
        of: `GET /availability?doctorId=…&limit=200; fifteen of sixteen half hours a day are reserved, so that all days are read; ${told(middle)}`,
      },
      {
        row: 'availability: median, ten times the data ÷ this',
        measured: large.p50 / middle.p50,
        atMost: 1.3,
        of: told(large),
      },
    ],
    growth: [{ what: 'availability, p50', unit: 'ms', values: all.map(({ p50 }) => p50) }],
  };
}
