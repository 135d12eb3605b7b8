import { setTimeout as sleep } from 'node:timers/promises';
import { randomFrom } from '../../services/testing/random.ts';
import { type Proven, prove, startProof, verifyTrails } from './checkpoint.ts';
import { type Clinic, startLoad } from './clients.ts';
import { deck, type FaultName, KILLS, OTHERS, strike } from './faults.ts';
import type { History } from './history.ts';
import type { System } from './system.ts';

export interface CyclesOptions {
  system: System;
  history: History;
  clinic: Clinic;
  seed: number;
  /** Which faults: one kill in each cycle and up to two others, or the databases in turn. */
  faults: 'all' | 'postmaster';
  /** It goes on until this says that it is over; told how many cycles were. */
  isOver: (cycles: number) => boolean;
  log: (line: string) => void;
}

const CYCLES_IN_A_PROOF = 20;
const SHORTEST_CYCLE_MS = 1_800;
const STARTS_WITHIN_MS = 700;
const MOST_OTHERS = 2;

/** Cycles of faults under load, with a proof after every 20th and at the end, until one fails. */
export async function runCycles(
  options: CyclesOptions,
): Promise<{ cycles: number; slowestSettlingMs: number }> {
  const { system, history, clinic, seed, isOver, log } = options;
  const random = randomFrom(seed);
  const draw = drawer(options, random);
  const busy = new Set<object>();
  let proven: Proven = await startProof(system);
  let slowestSettlingMs = 0;
  const load = startLoad({ history, replicas: system.patients, clinic, seed });

  const strikeLater = async (name: FaultName): Promise<void> => {
    await sleep(random() * STARTS_WITHIN_MS);
    if (await strike(name, { system, history, random, busy })) return;
    // What it was to happen to is busy: a kill comes as soon as it is not, and instead of the others something always possible.
    await strikeLater(KILLS.some((kill) => kill === name) ? name : 'connections reset');
  };

  let cycles = 0;
  // Asked once in each cycle: between two looks at the clock the load would go on and nothing would prove it.
  for (let isLast = false; !isLast; ) {
    await Promise.all([...draw().map(strikeLater), sleep(SHORTEST_CYCLE_MS)]);
    cycles += 1;
    for (const { proxy } of system.ways) proxy.forget();
    // What ended by itself would never be ready again, and a proof waits for that.
    if (system.deaths.length > 0) return { cycles, slowestSettlingMs };
    isLast = isOver(cycles) || history.broken.length > 0;
    if (cycles % CYCLES_IN_A_PROOF !== 0 && !isLast) continue;
    const result = await prove(history, system, load, proven).catch((error: unknown) => {
      if (system.deaths.length === 0) throw error;
      return undefined;
    });
    if (result === undefined) return { cycles, slowestSettlingMs };
    proven = result.proven;
    slowestSettlingMs = Math.max(slowestSettlingMs, result.settledMs);
    log(progress(history, cycles, result.settledMs));
    if (history.broken.length > 0) break;
    if (!isLast) load.resume();
  }
  const entries = await verifyTrails(system, history);
  log(`both audit trails verified: ${entries} entries`);
  return { cycles, slowestSettlingMs };
}

/** What happens in the next cycle. */
function drawer({ faults, system }: CyclesOptions, random: () => number): () => FaultName[] {
  if (faults === 'postmaster') {
    const names: readonly FaultName[] = ['patient postmaster killed', 'doctor postmaster killed'];
    let turn = 0;
    return () => names.slice(turn++ % names.length).slice(0, 1);
  }
  const canFill = Object.values(system.servers).some(({ volume }) => volume !== undefined);
  const kill = deck<FaultName>(KILLS, random);
  const other = deck<FaultName>(
    OTHERS.filter((name) => canFill || name !== 'disk full'),
    random,
  );
  return () => [kill(), ...Array.from({ length: Math.floor(random() * (MOST_OTHERS + 1)) }, other)];
}

function progress({ counts, nowMs, broken }: History, cycles: number, settledMs: number): string {
  const booked = (counts['book 201'] ?? 0) + (counts['book 202'] ?? 0);
  const settled = `settled in ${(settledMs / 1000).toFixed(1)} s`;
  const verdict = broken.length === 0 ? 'all invariants hold' : `${broken.length} BROKEN`;
  return `${Math.round(nowMs() / 1000)} s: ${cycles} cycles, ${booked} bookings acknowledged, ${settled}, ${verdict}`;
}
