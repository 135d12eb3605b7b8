import { closedLoop, getRequest, median } from '../load.ts';
import { type OpponentName, opponentNames, startOpponents } from '../opponents.ts';
import type { Bench, Measurement, Row } from '../row.ts';
import { anyOf, expectOnly, shuffled } from '../sample.ts';
import { cpuMicroseconds, type Program } from '../system.ts';

/** So few that each waits for the others' answers; so many that a sixth of the cores idles; and about all that a process lets in. */
const CLIENTS = [32, 128, 240] as const;

/** Until Node has compiled what is hot, which takes some six seconds where it shares the cores; thrown away. */
const WARM_SECONDS = 8;

/** Beyond this, the machine changed more during the run than any ratio of it can say. */
const SAME = { atLeast: 0.9, atMost: 1.1 };

interface Measured {
  perSecond: number;
  cpuPerRequest: number;
}

async function measure(
  { port, pid }: Program,
  load: { connections: number; seconds: number; next: () => string },
): Promise<Measured> {
  const before = await cpuMicroseconds(pid);
  const result = await closedLoop({ port, ...load });
  expectOnly(result, ['200']);
  const used = (await cpuMicroseconds(pid)) - before;
  return { perSecond: result.perSecond, cpuPerRequest: used / result.latenciesMs.length };
}

/** One patient by id, against whom people compare with. */
async function compare(bench: Bench): Promise<Row[]> {
  const { sized, node, rounds, seconds, progress } = bench;
  const [, { system, data }] = sized;
  const { programs, tokens, stop } = await startOpponents(node, system);
  const next = () =>
    getRequest(`/patients/${anyOf(data.patientIds)}`, { Authorization: `Bearer ${anyOf(tokens)}` });
  const rows: Row[] = [];
  try {
    for (const connections of CLIENTS) {
      const load = { connections, seconds, next };
      const results = Object.fromEntries(
        opponentNames.map((name) => [name, [] as Measured[]]),
      ) as unknown as Record<OpponentName, Measured[]>;
      for (const name of opponentNames) await measure(programs[name], { ...load, seconds: WARM_SECONDS });
      for (let round = 1; round <= rounds; round += 1) {
        for (const name of shuffled(opponentNames)) results[name].push(await measure(programs[name], load));
        progress(`${connections} clients, round ${round} of ${rounds}`);
      }
      const speed = (name: OpponentName) => median(results[name].map(({ perSecond }) => perSecond));
      const cpu = (name: OpponentName) => median(results[name].map(({ cpuPerRequest }) => cpuPerRequest));
      const told = (name: OpponentName) => `${speed(name).toFixed(0)}/s, ${cpu(name).toFixed(0)} µs`;
      const against = (name: OpponentName, wanted: Pick<Row, 'atLeast' | 'atMost'>): Row => ({
        row: `GET /patients/{id}, ${connections} clients: ours ÷ ${name}`,
        measured: speed('ours') / speed(name),
        ...wanted,
        of: `${told('ours')} CPU of the process ÷ ${told(name)}`,
      });
      rows.push(
        against('again', SAME),
        against('bare', { atLeast: 0.65 }),
        against('textbook', { atLeast: 5 }),
        against('fastify', { atLeast: 1.6 }),
        against('unaudited', { atLeast: 0.8 }),
      );
    }
  } finally {
    await stop();
  }
  return rows;
}

/** How the same read goes on as the data grow. */
async function grow({ sized, rounds, seconds, progress }: Bench): Promise<number[]> {
  const each = sized.map(({ system, data }) => ({
    program: system.patient,
    next: () => getRequest(`/patients/${anyOf(data.patientIds)}`),
    speeds: [] as number[],
  }));
  for (const { program, next } of each)
    await measure(program, { connections: 32, seconds: WARM_SECONDS, next });
  for (let round = 1; round <= rounds; round += 1) {
    for (const { program, next, speeds } of shuffled(each))
      speeds.push((await measure(program, { connections: 32, seconds, next })).perSecond);
    progress(`three sizes, round ${round} of ${rounds}`);
  }
  return each.map(({ speeds }) => median(speeds));
}

export async function reads(bench: Bench): Promise<Measurement> {
  const rows = await compare(bench);
  const values = await grow(bench);
  const [, middle = 0, large = 0] = values;
  return {
    rows: [
      ...rows,
      {
        row: 'GET /patients/{id}: time each, ten times the data ÷ this',
        measured: middle / large,
        atMost: 1.3,
        of: `${middle.toFixed(0)}/s, ${large.toFixed(0)}/s; 32 clients`,
      },
    ],
    growth: [{ what: 'GET /patients/{id}, 32 clients', unit: 'a second', values }],
  };
}
