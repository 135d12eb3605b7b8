import { halfHour } from '../../services/testing/clinic.ts';
import { closedLoop, type LoadResult, median, postRequest } from '../load.ts';
import { openLoop, percentile } from '../open-loop.ts';
import type { Bench, Measurement } from '../row.ts';

const CLIENTS = 32;
const TIMES = 3;

/** Three times as many bookings as there can be: how many are made all the same, and how soon the others are told. */
export async function overload({ sized, rounds, seconds, progress }: Bench): Promise<Measurement> {
  const [, { system, data }] = sized;
  const { port } = system.patient;
  const { patientIds, doctorIds } = data;
  let n = 0;
  // From the other end than the bookings row: days that it does not reach.
  const next = () => {
    n += 1;
    const slot = 48 * 78 - Math.floor(n / doctorIds.length);
    const [patientId, doctorId] = [patientIds[n % patientIds.length], doctorIds[n % doctorIds.length]];
    return postRequest('/appointments', { patientId, doctorId, ...halfHour(slot) });
  };
  await closedLoop({ port, connections: CLIENTS, seconds: 2, next });
  const goodputs: number[] = [];
  const served: number[] = [];
  const refused: number[] = [];
  const answers: Record<string, number> = {};
  for (let round = 1; round <= rounds; round += 1) {
    const most = (await closedLoop({ port, connections: CLIENTS, seconds, next })).perSecond;
    const flood: LoadResult = await openLoop({ port, perSecond: TIMES * most, seconds, next });
    for (const [status, count] of Object.entries(flood.statuses))
      answers[status] = (answers[status] ?? 0) + count;
    const of = (wanted: (status: string) => boolean) =>
      flood.latenciesMs.filter((_, index) => wanted(flood.answered[index] ?? ''));
    const good = of((status) => status === '201' || status === '202');
    goodputs.push(good.length / flood.seconds / most);
    served.push(percentile(good, 0.99));
    refused.push(
      percentile(
        of((status) => status === '503'),
        0.99,
      ),
    );
    progress(
      `round ${round} of ${rounds}: ${most.toFixed(0)}/s at most; ${JSON.stringify(flood.statuses)}; p50 ${percentile(good, 0.5).toFixed(0)} ms`,
    );
  }
  const { 201: booked = 0, 202: waits = 0, 503: turnedAway = 0, unsent = 0, ...others } = answers;
  const told = `bookings, open loop; ${booked} × 201, ${waits} × 202, ${turnedAway} × 503, ${unsent} not sent because ${1_000} waited, others: ${JSON.stringify(others)}`;
  return {
    rows: [
      {
        row: `overload, ${TIMES} × the maximum: bookings made ÷ the maximum`,
        measured: median(goodputs),
        atLeast: 0.8,
        of: told,
      },
      { row: 'overload: p99 of what is served, ms', measured: median(served), atMost: 500 },
      { row: 'overload: p99 of 503, ms', measured: median(refused), atMost: 500 },
    ],
  };
}
