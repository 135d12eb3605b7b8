import { z } from 'zod';
import { ok, okPage } from '../../shared/http/answer.ts';
import { isTimestamp, pageSchema, paging, readCursor } from '../../shared/http/cursor.ts';
import { changeEndpoint, type Endpoint, endpoint, param } from '../../shared/http/endpoint.ts';
import { patched } from '../../shared/http/merge-patch.ts';
import { emptyBody, instant, uuid } from '../../shared/schema/schema.ts';
import { act } from './act.ts';
import {
  actions,
  appointment,
  appointmentTexts,
  bookingRequest,
  cancelRequest,
  rescheduleRequest,
  serverMadeMembers,
  statuses,
} from './appointment.ts';
import { bookAppointment } from './book.ts';
import { cancelAppointment } from './cancel.ts';
import { toIcs } from './ics.ts';
import { lockPresent, unknownAppointment } from './lock.ts';
import { refusalReasons } from './refusal.ts';
import { rescheduleAppointment } from './reschedule.ts';
import type { SettleParts } from './settle.ts';
import { appointmentList, findAppointment, findForIcs, setTexts } from './store.ts';

const listQuery = z.strictObject({
  patientId: uuid.optional(),
  doctorId: uuid.optional(),
  from: instant.optional(),
  to: instant.optional(),
  status: z.array(z.enum(statuses)).optional(),
  updatedSince: instant.optional(),
  ...paging,
});

// Refused bookings are shown only to those who ask for them.
const shownStatuses = statuses.filter((status) => status !== 'rejected');

const conflicts = refusalReasons.filter((reason) => reason !== 'unknown-doctor');

const readEndpoints = ({ db }: SettleParts): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/appointments',
    summary: 'Appointments by start; refused ones only when asked for.',
    query: listQuery,
    answers: { 200: pageSchema(appointment) },
    handle: async ({ query: { limit, cursor, status, ...filters } }) => {
      const after = readCursor(cursor, 'startsAt', isTimestamp);
      return okPage(
        await appointmentList.page(db, {
          filters: { ...filters, statuses: status ?? shownStatuses },
          order: 'startsAt',
          limit,
          after,
        }),
      );
    },
  }),
  endpoint({
    method: 'GET',
    path: '/appointments/:id.ics',
    summary: 'The appointment as iCalendar, without reason and notes.',
    answers: { 200: 'text/calendar', 404: ['not-found'] },
    handle: async ({ params }) => {
      const found = await findForIcs(db, param({ params }, 'id'));
      if (found === undefined) throw unknownAppointment();
      return { status: 200, headers: { 'content-type': 'text/calendar; charset=utf-8' }, body: toIcs(found) };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/appointments/:id',
    summary: 'One appointment.',
    answers: { 200: appointment, 304: 'Not modified', 404: ['not-found'] },
    handle: async ({ params }) => {
      const found = await findAppointment(db, param({ params }, 'id'));
      if (found === undefined) throw unknownAppointment();
      return ok(found);
    },
  }),
  changeEndpoint({
    method: 'PATCH',
    path: '/appointments/:id',
    summary: 'Change reason and notes.',
    body: appointmentTexts,
    change: 'merge-patch',
    answers: { 200: appointment, 404: ['not-found'], 412: ['version-mismatch'] },
    handle: ({ params, body, ifMatch }) =>
      db.tx(async (tx) => {
        const { id, json } = await lockPresent(tx, param({ params }, 'id'), ifMatch);
        const texts = patched({
          schema: appointmentTexts,
          current: JSON.parse(json),
          body,
          serverMade: serverMadeMembers,
        });
        return ok(await setTexts(tx, id, texts));
      }),
  }),
];

const bookingEndpoints = (parts: SettleParts): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: '/appointments',
    summary: 'Book an appointment; 202 when the doctor service gave no answer, and it completes by itself.',
    body: bookingRequest,
    answers: {
      201: appointment,
      202: appointment,
      404: ['not-found', 'unknown-doctor'],
      409: [...conflicts, 'patient-busy'],
    },
    handle: ({ body, key }) => bookAppointment(parts, body, key),
  }),
  endpoint({
    method: 'POST',
    path: '/appointments/:id/reschedule',
    summary: 'Ask for another time or doctor; the old time stays reserved until the new one is granted.',
    body: rescheduleRequest,
    answers: {
      200: appointment,
      202: appointment,
      404: ['not-found', 'unknown-doctor'],
      409: [...conflicts, 'patient-busy', 'invalid-transition', 'change-in-progress'],
      412: ['version-mismatch'],
    },
    handle: ({ params, body, ifMatch, key }) =>
      rescheduleAppointment(parts, { id: param({ params }, 'id'), change: body, ifMatch, key }),
  }),
  endpoint({
    method: 'POST',
    path: '/appointments/:id/cancel',
    summary: 'Cancel; the doctor’s time is freed at once, or as soon as the doctor service is back.',
    body: cancelRequest,
    answers: { 200: appointment, 404: ['not-found'], 409: ['invalid-transition'], 412: ['version-mismatch'] },
    handle: ({ params, body, ifMatch, key }) =>
      cancelAppointment(parts, { id: param({ params }, 'id'), request: body, ifMatch, key }),
  }),
];

const actionEndpoints = ({ db }: SettleParts): Endpoint[] =>
  actions.map((action) =>
    endpoint({
      method: 'POST',
      path: `/appointments/:id/${action}`,
      summary:
        action === 'undo'
          ? 'Take back the last check-in, start, complete or no-show.'
          : `Set the appointment on: ${action}.`,
      body: emptyBody,
      answers: {
        200: appointment,
        404: ['not-found'],
        409: ['invalid-transition', 'change-in-progress'],
        412: ['version-mismatch'],
      },
      handle: ({ params, ifMatch, key }) => act(db, { id: param({ params }, 'id'), action, ifMatch, key }),
    }),
  );

export const appointmentEndpoints = (parts: SettleParts): Endpoint[] => [
  ...readEndpoints(parts),
  ...bookingEndpoints(parts),
  ...actionEndpoints(parts),
];
