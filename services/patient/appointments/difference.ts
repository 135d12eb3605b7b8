import type { Reserved, Wish } from '../doctor-client.ts';
import type { Status } from './appointment.ts';

/** An appointment as the patient service keeps it. */
export interface Kept {
  id: string;
  revision: number;
  status: Status;
  settled: boolean;
  contradicted: boolean;
  /** What it wants of the doctor's calendar now; null when it wants no time. */
  wanted: Wish['wanted'];
}

/**
 * Why both sides do not fit. `not-reserved`, `reserved-otherwise`, `still-reserved`: the doctor's time is not what the appointment wants.
 * `unknown-appointment`: time is reserved for an appointment that the patient service does not have. `behind`: the doctor service
 * knows a newer revision. `contradicted`: the settler was told so, and asks no more.
 */
export type Difference =
  | 'not-reserved'
  | 'reserved-otherwise'
  | 'still-reserved'
  | 'unknown-appointment'
  | 'behind'
  | 'contradicted';

const isSame = (wanted: NonNullable<Wish['wanted']>, active: NonNullable<Reserved['active']>): boolean =>
  wanted.doctorId === active.doctorId &&
  wanted.startsAt === active.startsAt &&
  wanted.endsAt === active.endsAt;

/**
 * Compares what both sides say of one appointment at a moment (epoch milliseconds). Time that is over does not matter any more, and what
 * merely waits for its answer gets it from the settler.
 */
export function differenceOf(
  kept: Kept | undefined,
  reserved: Reserved | undefined,
  now: number,
): Difference | undefined {
  const active = reserved?.active;
  const isOver = (time: { endsAt: string } | null | undefined): boolean =>
    !time || Date.parse(time.endsAt) <= now;
  if (kept === undefined) return isOver(active) ? undefined : 'unknown-appointment';
  const { wanted } = kept;
  if (kept.contradicted) return 'contradicted';
  if (isOver(wanted) && isOver(active)) return undefined;
  if (reserved !== undefined && reserved.revision > kept.revision) return 'behind';
  if (!kept.settled) return undefined;
  if (wanted === null) return active === undefined ? undefined : 'still-reserved';
  if (active === undefined) return 'not-reserved';
  return isSame(wanted, active) ? undefined : 'reserved-otherwise';
}
