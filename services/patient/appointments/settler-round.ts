import type { DoctorAnswer } from '../doctor-client.ts';
import type { OpenWish } from './outbox-store.ts';
import { type SettleParts, settle } from './settle.ts';
import { claimDue } from './settler-store.ts';

export interface RoundOptions extends SettleParts {
  /** Tells whether the round is to go on after this answer. */
  learn: (said: DoctorAnswer) => Promise<boolean>;
  /** Once aborted, nothing more is claimed. */
  signal: AbortSignal;
}

/** Fewer than the client has connections: requests need some too. */
const AT_ONCE = 16;
/** So few, beside those that wait already, that each is asked about before it is due again: another replica would ask too. */
const BATCH = AT_ONCE;
/** After so long a round claims nothing more: what else the settler does has its turn. */
const ROUND_MS = 2_000;

/**
 * Claims and settles what is due, until nothing is, or `learn` says no: what was claimed and not asked about keeps its next try.
 * All tries have ended when it resolves, so that one round never comes on top of another.
 * @returns whether more may be due
 * @throws what the database said; the rows stay
 */
export async function settleDue({ db, doctors, learn, signal }: RoundOptions): Promise<boolean> {
  const endsAt = performance.now() + ROUND_MS;
  const queue: OpenWish[] = [];
  const failures: unknown[] = [];
  let claiming: Promise<void> | undefined;
  let more = true;
  let halted = false;

  const halt = (): void => {
    halted = true;
    queue.length = 0;
  };
  const fail = (error: unknown): void => {
    failures.push(error);
    halt();
  };
  const claim = async (): Promise<void> => {
    const wishes = await claimDue(db, BATCH);
    more = wishes.length === BATCH;
    if (!halted) queue.push(...wishes);
  };
  const next = async (): Promise<OpenWish | undefined> => {
    for (;;) {
      if (signal.aborted) halt();
      const claims = more && !halted && performance.now() < endsAt;
      // While others are asked about, so that a slow answer holds up nobody else.
      if (claims && queue.length < AT_ONCE)
        claiming ??= claim()
          .catch(fail)
          .finally(() => {
            claiming = undefined;
          });
      if (queue.length > 0 || claiming === undefined) return queue.shift();
      await claiming;
    }
  };
  const work = async (): Promise<void> => {
    for (let wish = await next(); wish !== undefined; wish = await next()) {
      const { said } = await settle({ db, doctors }, wish);
      if (!(await learn(said))) halt();
    }
  };

  await Promise.all(Array.from({ length: AT_ONCE }, () => work().catch(fail)));
  await claiming;
  if (failures.length > 0) throw failures[0];
  return more;
}
