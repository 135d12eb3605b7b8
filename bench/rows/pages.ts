import { pageOf } from '../../services/shared/http/cursor.ts';
import { type Latency, latencies, told } from '../latency.ts';
import { getRequest } from '../load.ts';
import type { Bench, Measurement, Sized } from '../row.ts';

const PER_SECOND = 100;
const ORDER = 'createdAt';

/** The cursor of the page behind so many patients; the list's own function makes it. */
async function cursorAt({ system }: Sized, depth: number): Promise<string> {
  const { rows } = await system.patientDb.query<{ json: string; id: string; sortKey: string }>(
    `select '{}' as json, id::text, created_at::text as "sortKey"
       from patients order by created_at, id offset $1 limit 2`,
    [depth - 1],
  );
  const { nextCursor } = pageOf(rows, 1, ORDER);
  if (nextCursor === null) throw new Error(`there are no ${depth} patients`);
  return nextCursor;
}

/** A page deep in a list against the first one, and a long history against a short one. */
export async function pages({ sized, quick, rounds, seconds, progress }: Bench): Promise<Measurement> {
  const [, , large] = sized;
  const { system, data } = large;
  const { port } = system.patient;
  const depth = data.patients / 2;
  const cursor = await cursorAt(large, depth);
  const timeline = (patientId: string) => getRequest(`/patients/${patientId}/history?limit=10`);
  const requests = [
    getRequest(`/patients?sort=${ORDER}&limit=20`),
    getRequest(`/patients?sort=${ORDER}&limit=20&cursor=${cursor}`),
    timeline(data.shortHistory.patientId),
    timeline(data.longHistory.patientId),
  ];
  const [first, deep, short, long] = (await latencies(
    requests.map((request) => ({ port, next: () => request })),
    { perSecond: PER_SECOND, seconds, rounds, quick, progress },
  )) as [Latency, Latency, Latency, Latency];
  return {
    rows: [
      {
        row: `page at depth ${depth.toLocaleString('en')} ÷ first page`,
        measured: deep.p50 / first.p50,
        atMost: 1.5,
        of: `median; ${told(deep)} ÷ ${told(first)}`,
      },
      {
        row: `timeline of ${data.longHistory.entries.toLocaleString('en')} entries ÷ of ${data.shortHistory.entries}`,
        measured: long.p50 / short.p50,
        atMost: 1.5,
        of: `median, first page of 10; ${told(long)} ÷ ${told(short)}`,
      },
    ],
  };
}
