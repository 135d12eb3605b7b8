import type { Db } from '../../shared/db/database.ts';
import { defineProblem } from '../../shared/problem/problem.ts';
import type { Interval } from '../availability/interval.ts';
import { type Calendar, visitsOutsideOpenTime, visitsUnder } from '../availability/open-time.ts';
import { listUpcomingVisits } from '../reservations/store.ts';
import type { Exception } from './exception.ts';
import { findCalendar } from './store.ts';

const reservationsInTheWay = defineProblem(
  'reservations-in-the-way',
  409,
  'Reserved visits are in the way of the change',
);

/** So many of the visits are named; the count tells of all. */
const SHOWN = 100;

interface Visit extends Interval {
  appointmentId: string;
  revision: number;
  startsAt: string;
  endsAt: string;
}

/** Which visits are in the way of a change that the calendar shows already. */
type Rule = (calendar: Calendar, visits: readonly Visit[]) => readonly Visit[];

/** A change of hours, zone or validity must not leave visits outside open time. */
export const leftOutside: Rule = visitsOutsideOpenTime;

/** A closed exception must not lie over visits. Before there is a schedule, it has no zone and no effect. */
export const closedOver =
  (exception: Exception): Rule =>
  ({ schedule }, visits) =>
    schedule === undefined ? [] : visitsUnder(exception, schedule.timeZone, visits);

/** The end of an open exception must not leave visits that it was for outside open time. */
export const leftWithout =
  (exception: Exception): Rule =>
  (calendar, visits) =>
    visitsOutsideOpenTime(calendar, closedOver(exception)(calendar, visits));

/**
 * Asked after the change was written and before it is committed, with the calendar locked exclusively. Of the visits, those
 * that have not ended count, without their buffers.
 * @throws reservations-in-the-way, with the count and the first 100 of them
 */
export async function requireNoneInTheWay(tx: Db, doctorId: string, rule: Rule): Promise<void> {
  const reserved = await listUpcomingVisits(tx, doctorId);
  const visits = reserved.map((visit) => ({
    ...visit,
    start: Date.parse(visit.startsAt),
    end: Date.parse(visit.endsAt),
  }));
  const first = visits[0];
  if (first === undefined) return;
  const lastEnd = visits.reduce((latest, { end }) => Math.max(latest, end), first.end);
  const found = await findCalendar(tx, doctorId, first.startsAt, new Date(lastEnd).toISOString());
  if (found === undefined) return;
  const inTheWay = rule(found.calendar, visits);
  if (inTheWay.length === 0) return;
  throw reservationsInTheWay(
    'Move or cancel them first, or send keepReservations: true to leave them where they are.',
    {
      extra: {
        count: inTheWay.length,
        reservations: inTheWay.slice(0, SHOWN).map(({ appointmentId, revision, startsAt, endsAt }) => ({
          appointmentId,
          revision,
          startsAt,
          endsAt,
        })),
      },
    },
  );
}
