import type { Db } from '../../shared/db/database.ts';
import { type BookableDoctor, type DoctorFilter, listCalendars } from '../schedules/store.ts';
import { freeOf, openSlots } from './availability.ts';
import { busyTimes } from './busy.ts';
import type { Interval } from './interval.ts';
import { MINUTE_MS } from './local-time.ts';

const HOUR_MS = 60 * MINUTE_MS;

/** Enough for the first page in most clinics; for few doctors it is some days, because each query is one more wait. */
const FIRST_STRETCH_MS = 6 * HOUR_MS;
const FIRST_DOCTOR_HOURS = 1_000;
/** A long page reads on at once. */
const FIRST_DOCTOR_HOURS_OF_SLOT = 20;
/** Doctors times hours whose reservations one query may read; some 40,000 rows when everybody is booked out. */
const MAX_DOCTOR_HOURS = 50_000;

export interface Search extends DoctorFilter {
  from: string;
  to: string;
  durationMinutes: number;
}

/** A free slot; instants in epoch milliseconds. */
export interface FoundSlot extends Interval {
  doctor: BookableDoctor;
}

/** The last slot of the page before. */
export interface SlotPosition {
  start: number;
  doctorId: string;
}

/**
 * The earliest free slots of all doctors that pass the filter, at most `limit`, by start and then by doctor.
 *
 * Walks from now on in stretches of time that grow, with one query each for what is taken of all doctors, and stops when
 * there are enough.
 */
export async function searchSlots(
  db: Db,
  search: Search,
  after: SlotPosition | undefined,
  limit: number,
): Promise<FoundSlot[]> {
  const { doctors, now } = await listCalendars(db, search, search.from, search.to);
  if (now === undefined) return [];

  const end = Date.parse(search.to);
  const longest = Math.max(FIRST_STRETCH_MS, (MAX_DOCTOR_HOURS / doctors.length) * HOUR_MS);
  const found: FoundSlot[] = [];
  const doctorHours = Math.max(FIRST_DOCTOR_HOURS, limit * FIRST_DOCTOR_HOURS_OF_SLOT);
  let start = Math.max(Date.parse(search.from), now, after?.start ?? 0);
  for (
    let length = Math.max(FIRST_STRETCH_MS, (doctorHours / doctors.length) * HOUR_MS);
    start < end && found.length < limit;
    length = Math.min(2 * length, longest)
  ) {
    const stretch = { start, end: Math.min(start + length, end) };
    const slots = await slotsStartingIn(db, doctors, now, stretch, search);
    found.push(...slots.filter((slot) => after === undefined || isAfter(slot, after)));
    start = stretch.end;
  }
  return found.slice(0, limit);
}

async function slotsStartingIn(
  db: Db,
  doctors: readonly BookableDoctor[],
  now: number,
  stretch: Interval,
  { to, durationMinutes }: Search,
): Promise<FoundSlot[]> {
  const within = {
    start: stretch.start,
    end: Math.min(stretch.end + durationMinutes * MINUTE_MS, Date.parse(to)),
  };
  // Before asking what is taken: at night and at weekends nobody is open, and nothing needs to be asked.
  const open = doctors
    .map((doctor) => ({ doctor, slots: openSlots(doctor.calendar, now, within, durationMinutes) }))
    .filter(({ slots }) => slots.length > 0);
  if (open.length === 0) return [];
  const busy = await busyTimes(
    db,
    open.map(({ doctor }) => doctor.doctorId),
    within,
  );
  const free = open.flatMap(({ doctor, slots }) =>
    freeOf(doctor.calendar, slots, busy.get(doctor.doctorId) ?? [])
      .filter(({ start }) => start < stretch.end)
      .map((slot) => ({ ...slot, doctor })),
  );
  return free.sort((a, b) => a.start - b.start || (a.doctor.doctorId < b.doctor.doctorId ? -1 : 1));
}

function isAfter(slot: FoundSlot, { start, doctorId }: SlotPosition): boolean {
  return slot.start > start || (slot.start === start && slot.doctor.doctorId > doctorId);
}
