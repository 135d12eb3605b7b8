import { setTimeout as sleep } from 'node:timers/promises';
import { count, type History } from './history.ts';
import type { System, Way } from './system.ts';

export const KILLS = [
  'patient service killed',
  'doctor service killed',
  'patient postmaster killed',
  'doctor postmaster killed',
] as const;
export const OTHERS = [
  'answers late',
  'connections reset',
  'message truncated',
  'silence',
  'process stopped',
  'clock jumped',
  'disk full',
] as const;
export type FaultName = (typeof KILLS)[number] | (typeof OTHERS)[number];

export interface FaultParts {
  system: System;
  history: History;
  random: () => number;
  /** What a fault is at work on: no other may end it. */
  busy: Set<object>;
}

/** Begins and ends one fault; false when there was nothing that it could happen to. */
type Strike = (parts: FaultParts, tell: (what: string) => void) => Promise<boolean>;

/** Takes one that no other fault is at work on, while `work` lasts. */
async function onFree<Thing extends object>(
  { busy, random }: FaultParts,
  things: readonly Thing[],
  work: (thing: Thing) => Promise<void>,
): Promise<boolean> {
  const free = things.filter((thing) => !busy.has(thing));
  const thing = free[Math.floor(random() * free.length)];
  if (thing === undefined) return false;
  busy.add(thing);
  try {
    await work(thing);
  } finally {
    busy.delete(thing);
  }
  return true;
}

const between = (random: () => number, from: number, to: number): number =>
  Math.round(from + random() * (to - from));

const killService =
  (service: 'patients' | 'doctors'): Strike =>
  (parts, tell) =>
    onFree(parts, parts.system[service], async (replica) => {
      tell(replica.name);
      await replica.crash();
    });

const killPostmaster =
  (service: 'patient' | 'doctor'): Strike =>
  (parts, tell) =>
    onFree(parts, [parts.system.servers[service]], async (server) => {
      tell('');
      await server.crash();
    });

const onWay =
  (work: (way: Way, parts: FaultParts, tell: (what: string) => void) => Promise<void>): Strike =>
  (parts, tell) =>
    onFree(parts, parts.system.ways, (way) => work(way, parts, tell));

const TRUNCATE_WITHIN_MS = 1_000;

const STRIKES: Readonly<Record<FaultName, Strike>> = {
  'patient service killed': killService('patients'),
  'doctor service killed': killService('doctors'),
  'patient postmaster killed': killPostmaster('patient'),
  'doctor postmaster killed': killPostmaster('doctor'),
  'answers late': onWay(async ({ name, proxy }, { random }, tell) => {
    const ms = between(random, 20, 400);
    tell(`${name}, ${ms} ms`);
    proxy.delay(ms);
    await sleep(between(random, 500, 1_500));
    proxy.delay(0);
  }),
  'connections reset': onWay(async ({ name, proxy }, { random }, tell) => {
    tell(name);
    await proxy.refuse();
    await sleep(between(random, 0, 500));
    await proxy.pass();
  }),
  'message truncated': onWay(async ({ name, proxy }, { random }, tell) => {
    const phase = random() < 0.5 ? 'asked' : 'answered';
    const bytes = between(random, 1, 300);
    const held = await Promise.race([proxy.hold(/./, phase), sleep(TRUNCATE_WITHIN_MS)]);
    if (held) {
      tell(`${name}, ${phase}, after ${bytes} bytes`);
      held.lose(bytes);
    }
    await proxy.pass();
  }),
  silence: onWay(async ({ name, proxy }, { random }, tell) => {
    tell(name);
    proxy.silence();
    await sleep(between(random, 500, 2_500));
    await proxy.pass();
  }),
  'process stopped': (parts, tell) =>
    onFree(parts, parts.system.replicas, async (replica) => {
      const { pause, resume } = replica.process();
      const ms = between(parts.random, 500, 3_000);
      tell(`${replica.name}, ${ms} ms`);
      pause();
      await sleep(ms);
      resume();
    }),
  'clock jumped': (parts, tell) =>
    onFree(parts, parts.system.replicas, async (replica) => {
      tell(`${replica.name}, by an hour`);
      const { send } = replica.process();
      send('SIGUSR2');
      await sleep(between(parts.random, 500, 1_500));
      // It is put right while the process is at work: a jump back.
      send('SIGUSR2');
    }),
  'disk full': (parts, tell) =>
    onFree(
      parts,
      Object.values(parts.system.servers).filter(({ volume }) => volume !== undefined),
      async (server) => {
        tell(server.service);
        await server.volume?.fill();
        await sleep(between(parts.random, 700, 2_500));
        server.volume?.free();
        await server.revive();
      },
    ),
};

/** Lets a fault happen, from its begin to its end, and notes it. */
export async function strike(name: FaultName, parts: FaultParts): Promise<boolean> {
  const { history } = parts;
  let wasTold = false;
  const tell = (what: string): void => {
    wasTold = true;
    history.faults.push({ atMs: history.nowMs(), what: `FAULT ${name} ${what}`.trim() });
  };
  await STRIKES[name](parts, tell);
  if (!wasTold) return false;
  count(history, `fault ${name}`);
  history.faults.push({ atMs: history.nowMs(), what: `END of ${name}` });
  return true;
}

/** Deals items in random order, each once before one comes again. */
export function deck<Item>(items: readonly Item[], random: () => number): () => Item {
  let left: Item[] = [];
  return () => {
    if (left.length === 0) left = [...items];
    const [item] = left.splice(Math.floor(random() * left.length), 1);
    if (item === undefined) throw new Error('there is nothing to deal');
    return item;
  };
}
