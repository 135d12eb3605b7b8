import { changing, keepEvent } from '../../shared/audit/keep.ts';
import type { Trail } from '../../shared/audit/trail.ts';
import type { Database, Tx } from '../../shared/db/database.ts';
import { judge } from '../availability/availability.ts';
import { lockCalendar } from '../schedules/lock-store.ts';
import { type DoctorCalendar, findCalendar } from '../schedules/store.ts';
import { type RefusalReason, revisionMismatch, superseded } from './reservation.ts';
import {
  type AnsweredRevision,
  findNewest,
  insertRefused,
  lockAppointment,
  releaseOlder,
  takeTime,
  type WantedTime,
} from './store.ts';

export type Decision = { granted: true; isReplay: boolean } | { granted: false; reason: RefusalReason };

const BEGINS_BY_LOCKING = { beginsByLocking: true };

/**
 * Decides a revision once and for ever: the same revision gets the same answer again, granted or refused.
 * @throws superseded when a newer revision was answered, revision-mismatch when this one was, for other content
 */
export const reserve = (
  db: Database,
  { trail, ...wanted }: WantedTime & { trail: Trail },
): Promise<Decision> => changing(db, trail, (tx) => decide(tx, wanted, trail), BEGINS_BY_LOCKING);

async function decide(tx: Tx, wanted: WantedTime, trail: Trail): Promise<Decision> {
  // They go out together and run in this order: each reads what was committed before it got its lock.
  const [, newest, , found] = await Promise.all([
    lockAppointment(tx, wanted.appointmentId),
    findNewest(tx, wanted.appointmentId),
    lockCalendar(tx, wanted.doctorId, 'shared'),
    findCalendar(tx, wanted.doctorId, wanted.startsAt, wanted.endsAt),
  ]);
  if (newest !== undefined && newest.revision >= wanted.revision) return replay(newest, wanted);

  const reason = refusalReason(wanted, found);
  if (reason !== undefined) {
    const refused = keepEvent(tx, trail, { status: 409, problem: reason });
    await Promise.all([refused, insertRefused(tx.last, wanted, reason)]);
    return { granted: false, reason };
  }
  const isFirst = newest === undefined;
  const bufferMinutes = found?.calendar.schedule?.bufferMinutes ?? 0;
  const [taken] = await Promise.all([
    takeTime(tx, wanted, bufferMinutes),
    // The constraint decides while this is under way; the row of the revision tells how.
    keepEvent(isFirst ? tx.last : tx, trail, { status: 202 }),
  ]);
  if (!taken) return { granted: false, reason: 'slot-taken' };
  if (!isFirst) await releaseOlder(tx.last, wanted.appointmentId, wanted.revision);
  return { granted: true, isReplay: false };
}

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

/** The first reason of the calendar why not. Nothing is taken, for this question: only the constraint knows. */
function refusalReason(wanted: WantedTime, found: DoctorCalendar | undefined): RefusalReason | undefined {
  if (found === undefined) return 'unknown-doctor';
  const visit = { start: Date.parse(wanted.startsAt), end: Date.parse(wanted.endsAt) };
  return judge(found.calendar, [], found.now, visit);
}
