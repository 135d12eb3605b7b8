import type { Database, Db } from '../../shared/db/database.ts';
import { judge } from '../availability/availability.ts';
import { lockCalendar } from '../schedules/lock-store.ts';
import { type DoctorCalendar, findCalendar } from '../schedules/store.ts';
import { type RefusalReason, revisionMismatch, superseded } from './reservation.ts';
import {
  type AnsweredRevision,
  findNewest,
  insertActive,
  insertRefused,
  lockAppointment,
  releaseOlder,
  type WantedTime,
} from './store.ts';

export type Decision = { granted: true; isReplay: boolean } | { granted: false; reason: RefusalReason };

const BEGINS_BY_LOCKING = { beginsByLocking: true };

/**
 * Decides a revision once and for ever: the same revision gets the same answer again, granted or refused.
 * @throws superseded when a newer revision was answered, revision-mismatch when this one was, for other content
 */
export const reserve = (db: Database, wanted: WantedTime): Promise<Decision> =>
  db.tx(async (tx) => {
    // They go out together and run in this order: each reads what was committed before it got its lock.
    const [, newest, , found] = await Promise.all([
      lockAppointment(tx, wanted.appointmentId),
      findNewest(tx, wanted.appointmentId),
      lockCalendar(tx, wanted.doctorId, 'shared'),
      findCalendar(tx, wanted.doctorId, wanted.startsAt, wanted.endsAt),
    ]);
    if (newest !== undefined && newest.revision >= wanted.revision) return replay(newest, wanted);

    const refused = await refusalReason(tx, wanted, found);
    if (refused !== undefined) {
      await insertRefused(tx, wanted, refused);
      return { granted: false, reason: refused };
    }
    if (newest !== undefined) await releaseOlder(tx, wanted.appointmentId, wanted.revision);
    return { granted: true, isReplay: false };
  }, BEGINS_BY_LOCKING);

function replay(newest: AnsweredRevision, wanted: WantedTime): Decision {
  if (newest.revision > wanted.revision)
    throw superseded('A newer revision of this appointment was answered already.');
  const sameContent =
    newest.doctorId === wanted.doctorId &&
    newest.startsAt === wanted.startsAt &&
    newest.endsAt === wanted.endsAt;
  if (!sameContent || newest.state === 'released')
    throw revisionMismatch('This revision was answered for another doctor or time.');
  return newest.state === 'refused' && newest.reason !== null
    ? { granted: false, reason: newest.reason }
    : { granted: true, isReplay: true };
}

/** Takes the time, or tells the first reason why not: the rules of the calendar, then the constraint. */
async function refusalReason(
  tx: Db,
  wanted: WantedTime,
  found: DoctorCalendar | undefined,
): Promise<RefusalReason | undefined> {
  if (found === undefined) return 'unknown-doctor';
  const { calendar, now } = found;
  const visit = { start: Date.parse(wanted.startsAt), end: Date.parse(wanted.endsAt) };
  // Nothing is taken, for this question: only the constraint knows.
  const reason = judge(calendar, [], now, visit);
  if (reason !== undefined) return reason;
  return (await insertActive(tx, wanted, calendar.schedule?.bufferMinutes ?? 0)) ? undefined : 'slot-taken';
}
