import { setTimeout as sleep } from 'node:timers/promises';
import { closedLoop, getRequest, type LoadOptions, median } from '../load.ts';
import { type OpponentName, opponentNames, startOpponents } from '../opponents.ts';
import type { Bench, Measurement, Row } from '../row.ts';
import { anyOf, expectOnly, shuffled } from '../sample.ts';
import { cpuMicroseconds, type Program } from '../system.ts';

/** So few that each waits for the others' answers; so many that a sixth of the cores idles; and about all that a process lets in. */
const CLIENTS = [32, 128, 240] as const;

/** Until Node has compiled what is hot, which takes some six seconds where it shares the cores; thrown away. */
const WARM_SECONDS = { full: 8, quick: 4 };
/** Once that is done, another number of clients takes less. */
const REWARM_SECONDS = 1;

/** The machine's own speed moves by a tenth within seconds: what is compared takes turns in slices of this. */
const SLICE_SECONDS = 2;
/** Entries of the trail are sealed up to half a second later: each slice begins with what the last seconds have left to seal. */
const LEAD_SECONDS = 0.5;
/** And the last ones of it are sealed before another program's slice begins. */
const SEALED_MS = 700;

const audited: ReadonlySet<OpponentName> = new Set(['ours', 'again']);

/** Beyond this, the machine changed more during the run than any ratio of it can say. */
const SAME = { atLeast: 0.9, atMost: 1.1 };

interface Measured {
  perSecond: number;
  cpuPerRequest: number;
}

async function measure(
  { port, pid }: Program,
  load: Pick<LoadOptions, 'connections' | 'seconds' | 'leadSeconds' | 'next'>,
): Promise<Measured> {
  const before = await cpuMicroseconds(pid);
  const result = await closedLoop({ port, ...load });
  expectOnly(result, ['200']);
  const used = (await cpuMicroseconds(pid)) - before;
  return { perSecond: result.perSecond, cpuPerRequest: used / result.answers };
}

/** One patient by id, against whom people compare with. */
async function compare(bench: Bench): Promise<Row[]> {
  const { sized, node, quick, rounds, seconds, progress } = bench;
  const [, { system, data }] = sized;
  const { programs, tokens, stop } = await startOpponents(node, system);
  const next = () =>
    getRequest(`/patients/${anyOf(data.patientIds)}`, { Authorization: `Bearer ${anyOf(tokens)}` });
  const rows: Row[] = [];
  try {
    for (const [index, connections] of (quick ? [128] : CLIENTS).entries()) {
      const load = { connections, seconds: SLICE_SECONDS, leadSeconds: LEAD_SECONDS, next };
      const slices: Record<OpponentName, Measured>[] = [];
      const warmSeconds = index === 0 ? WARM_SECONDS[quick ? 'quick' : 'full'] : REWARM_SECONDS;
      for (const name of opponentNames) await measure(programs[name], { ...load, seconds: warmSeconds });
      const count = Math.max(3, (rounds * seconds) / SLICE_SECONDS);
      while (slices.length < count) {
        const measured = {} as Record<OpponentName, Measured>;
        for (const name of shuffled(opponentNames)) {
          measured[name] = await measure(programs[name], load);
          if (audited.has(name)) await sleep(SEALED_MS);
        }
        slices.push(measured);
        if (slices.length % 2 === 0) progress(`${connections} clients, slice ${slices.length} of ${count}`);
      }
      const of = (name: OpponentName, what: keyof Measured) =>
        median(slices.map((slice) => slice[name][what]));
      const told = (name: OpponentName) =>
        `${of(name, 'perSecond').toFixed(0)}/s, ${of(name, 'cpuPerRequest').toFixed(0)} µs`;
      // Ours is two processes: one and the same program is a few percent faster or slower each time it is started.
      const ofOurs = ({ ours, again }: Record<OpponentName, Measured>) =>
        (ours.perSecond + again.perSecond) / 2;
      const against = (name: OpponentName, wanted: Pick<Row, 'atLeast' | 'atMost'>): Row => ({
        row: `GET /patients/{id}, ${connections} clients: ours ÷ ${name}`,
        measured: median(
          slices.map((slice) =>
            name === 'again'
              ? slice.ours.perSecond / slice.again.perSecond
              : ofOurs(slice) / slice[name].perSecond,
          ),
        ),
        ...wanted,
        of: `${told('ours')} CPU of the process${name === 'again' ? '' : `, and again ${told('again')},`} ÷ ${told(name)}; median of the slices’ ratios`,
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
async function grow({ sized, quick, rounds, seconds, progress }: Bench): Promise<number[]> {
  const each = sized.map(({ system, data }) => ({
    program: system.patient,
    next: () => getRequest(`/patients/${anyOf(data.patientIds)}`),
    speeds: [] as number[],
  }));
  for (const { program, next } of each)
    await measure(program, { connections: 32, seconds: WARM_SECONDS[quick ? 'quick' : 'full'], next });
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
