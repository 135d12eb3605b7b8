import { setTimeout as sleep } from 'node:timers/promises';
import { closedLoop, getRequest, type LoadOptions, median } from '../load.ts';
import { type OpponentName, type Opponents, opponentNames, startOpponents } from '../opponents.ts';
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

type Load = Omit<LoadOptions, 'port'>;

async function measure({ port, pid }: Program, load: Load): Promise<Measured> {
  const before = await cpuMicroseconds(pid);
  const result = await closedLoop({ port, ...load });
  expectOnly(result, ['200']);
  const used = (await cpuMicroseconds(pid)) - before;
  return { perSecond: result.perSecond, cpuPerRequest: used / (result.statuses[200] ?? 0) };
}

type Slice = Record<OpponentName, Measured>;

/** Everybody once, in a random order. */
async function takeSlice({ programs }: Opponents, load: Load): Promise<Slice> {
  const slice = {} as Slice;
  for (const name of shuffled(opponentNames)) {
    slice[name] = await measure(programs[name], { ...load, leadSeconds: LEAD_SECONDS });
    if (audited.has(name)) await sleep(SEALED_MS);
  }
  return slice;
}

/** What the slices of a number of clients say: medians of each slice's ratio. */
function rowsOf(slices: readonly Slice[], clients: number): Row[] {
  const told = (name: OpponentName) => {
    const of = (what: keyof Measured) => median(slices.map((slice) => slice[name][what])).toFixed(0);
    return `${of('perSecond')}/s, ${of('cpuPerRequest')} µs`;
  };
  // Ours is two processes: one and the same program is a few percent faster or slower each time it is started.
  const ours = ({ ours, again }: Slice) => (ours.perSecond + again.perSecond) / 2;
  const ratio = (of: (slice: Slice) => number, name: OpponentName) => ({
    row: `GET /patients/{id}, ${clients} clients: ours ÷ ${name}`,
    measured: median(slices.map((slice) => of(slice) / slice[name].perSecond)),
  });
  const against = (name: OpponentName, atLeast: number): Row => ({
    ...ratio(ours, name),
    atLeast,
    of: `${told('ours')} CPU of the process, and ${told('again')}, ÷ ${told(name)}`,
  });
  return [
    {
      ...ratio((slice) => slice.ours.perSecond, 'again'),
      ...SAME,
      of: `${told('ours')} CPU of the process ÷ ${told('again')}`,
    },
    against('bare', 0.65),
    against('textbook', 5),
    against('fastify', 1.6),
    against('unaudited', 0.8),
  ];
}

/** One patient by id, against whom people compare with. */
async function compare({ sized, node, quick, rounds, seconds, progress }: Bench): Promise<Row[]> {
  const [, { system, data }] = sized;
  const opponents = await startOpponents(node, system);
  const { programs, tokens, stop } = opponents;
  const next = () =>
    getRequest(`/patients/${anyOf(data.patientIds)}`, { Authorization: `Bearer ${anyOf(tokens)}` });
  const count = Math.max(3, (rounds * seconds) / SLICE_SECONDS);
  const rows: Row[] = [];
  try {
    for (const [index, connections] of (quick ? [128] : CLIENTS).entries()) {
      const warmSeconds = index === 0 ? WARM_SECONDS[quick ? 'quick' : 'full'] : REWARM_SECONDS;
      for (const name of opponentNames)
        await measure(programs[name], { connections, seconds: warmSeconds, next });
      const slices: Slice[] = [];
      while (slices.length < count) {
        slices.push(await takeSlice(opponents, { connections, seconds: SLICE_SECONDS, next }));
        if (slices.length % 2 === 0) progress(`${connections} clients, slice ${slices.length} of ${count}`);
      }
      rows.push(...rowsOf(slices, connections));
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
