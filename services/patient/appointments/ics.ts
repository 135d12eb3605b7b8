import ical, { ICalCalendarMethod, ICalEventStatus } from 'ical-generator';
import type { Status } from './appointment.ts';
import type { IcsAppointment } from './store.ts';

const eventStatus = (status: Status): ICalEventStatus => {
  if (status === 'pending') return ICalEventStatus.TENTATIVE;
  return status === 'cancelled' || status === 'rejected'
    ? ICalEventStatus.CANCELLED
    : ICalEventStatus.CONFIRMED;
};

/**
 * An appointment as iCalendar (RFC 5545), for a calendar that others may see: no reason, no notes, no names.
 * UID is stable; SEQUENCE grows with the version, and so with every change of time or state.
 */
export function toIcs({
  id,
  startsAt,
  endsAt,
  status,
  version,
  createdAt,
  updatedAt,
}: IcsAppointment): string {
  const calendar = ical({
    prodId: { company: 'clinic', product: 'appointments', language: 'EN' },
    method: ICalCalendarMethod.PUBLISH,
  });
  calendar.createEvent({
    id,
    start: new Date(startsAt),
    end: new Date(endsAt),
    stamp: new Date(updatedAt),
    created: new Date(createdAt),
    lastModified: new Date(updatedAt),
    summary: 'Appointment',
    status: eventStatus(status),
    sequence: version - 1,
  });
  return calendar.toString();
}
