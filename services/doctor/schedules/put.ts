import { change } from '../../shared/audit/keep.ts';
import type { Trail } from '../../shared/audit/trail.ts';
import type { Database } from '../../shared/db/database.ts';
import { type Answer, created, ok, type Representation } from '../../shared/http/answer.ts';
import { replaced } from '../../shared/http/merge-patch.ts';
import { requireVersion } from '../../shared/http/version.ts';
import { versionMismatch } from '../../shared/problem/problem.ts';
import type { Doctor } from '../doctors/doctor.ts';
import { getDoctor } from '../doctors/store.ts';
import { leftOutside, requireNoneInTheWay } from './in-the-way.ts';
import { lockCalendar } from './lock-store.ts';
import { changesHours, type Schedule, scheduleBody } from './schedule.ts';
import { findSchedule, setSchedule } from './store.ts';

/** What only the server sets; it may come back as it was read. */
const serverMade = ['doctorId', 'version', 'createdAt', 'updatedAt'];

/**
 * Puts a doctor's schedule, the first one or another. Its zone is the doctor's at this moment unless it names one.
 * @throws not-found, version-mismatch, invalid-request, reservations-in-the-way
 */
export const putSchedule = (
  db: Database,
  doctorId: string,
  { body, ifMatch, trail }: { body: unknown; ifMatch: string | undefined; trail: Trail },
): Promise<Answer> =>
  change(db, trail, async (tx) => {
    await lockCalendar(tx, doctorId, 'exclusive');
    const doctor: Doctor = JSON.parse((await getDoctor(tx, doctorId)).json);
    const present = await findSchedule(tx, doctorId);
    requirePresentVersion(ifMatch, present);

    const current = present === undefined ? { doctorId } : JSON.parse(present.json);
    const { keepReservations, ...sent } = replaced({ schema: scheduleBody, current, body, serverMade });
    const schedule: Schedule = { ...sent, timeZone: sent.timeZone ?? doctor.timeZone };

    const stored = await setSchedule(tx, doctorId, schedule);
    const mayLeaveVisits = present === undefined || changesHours(current, schedule);
    if (mayLeaveVisits && !keepReservations) await requireNoneInTheWay(tx, doctorId, leftOutside);
    return present === undefined ? created(`/doctors/${doctorId}/schedule`, stored) : ok(stored);
  });

/** @throws version-mismatch, also when a version is named and there is no schedule yet (RFC 9110 §13.1.1) */
function requirePresentVersion(ifMatch: string | undefined, present: Representation | undefined): void {
  if (present !== undefined) requireVersion(ifMatch, present.version);
  else if (ifMatch !== undefined)
    throw versionMismatch('The doctor has no schedule yet; leave If-Match out.');
}
