import { z } from 'zod';
import { change } from '../../shared/audit/keep.ts';
import { requireMembers } from '../../shared/auth/members.ts';
import { ok, okPage } from '../../shared/http/answer.ts';
import { isTimestamp, pageSchema, paging, readCursor } from '../../shared/http/cursor.ts';
import { changeEndpoint, type Endpoint, endpoint, param } from '../../shared/http/endpoint.ts';
import { patched } from '../../shared/http/merge-patch.ts';
import { etagOf } from '../../shared/http/version.ts';
import { emptyBody, instant, uuid } from '../../shared/schema/schema.ts';
import { scopeOf } from '../access.ts';
import { act } from './act.ts';
import {
  actions,
  appointment,
  appointmentTexts,
  bookingRequest,
  cancelRequest,
  MAX_PENDING,
  rescheduleRequest,
  serverMadeMembers,
  statuses,
} from './appointment.ts';
import {
  deskAndDoctor,
  everyPerson,
  maySet,
  requireOwnCalendar,
  requireOwnWord,
  shownTo,
} from './appointment-access.ts';
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
    access: everyPerson,
    audit: 'search',
    query: listQuery,
    answers: { 200: pageSchema(appointment) },
    handle: async ({ query: { limit, cursor, status, ...asked }, caller, own }) => {
      const { patientId: ofPatient, doctorId: ofDoctor } = scopeOf(own);
      const filters = { ...asked, ofPatient: ofPatient ?? undefined, ofDoctor: ofDoctor ?? undefined };
      const after = readCursor(cursor, 'startsAt', isTimestamp);
      const page = await appointmentList.page(db, {
        filters: { ...filters, statuses: status ?? shownStatuses },
        order: 'startsAt',
        limit,
        after,
      });
      return shownTo(caller, okPage(page));
    },
  }),
  endpoint({
    method: 'GET',
    path: '/appointments/:id.ics',
    summary: 'The appointment as iCalendar, without reason and notes.',
    access: everyPerson,
    audit: 'read',
    answers: { 200: 'text/calendar', 304: 'Not modified', 404: ['not-found'] },
    handle: async ({ params, own }) => {
      const found = await findForIcs(db, param({ params }, 'id'), scopeOf(own));
      if (found === undefined) throw unknownAppointment();
      const headers = { 'content-type': 'text/calendar; charset=utf-8', etag: etagOf(found.version) };
      return { status: 200, headers, body: toIcs(found), about: [found.patientId] };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/appointments/:id',
    summary: 'One appointment.',
    access: everyPerson,
    audit: 'read',
    answers: { 200: appointment, 304: 'Not modified', 404: ['not-found'] },
    handle: async ({ params, caller, own }) => {
      const found = await findAppointment(db, param({ params }, 'id'), scopeOf(own));
      if (found === undefined) throw unknownAppointment();
      return shownTo(caller, ok(found));
    },
  }),
];

const textEndpoints = ({ db }: SettleParts): Endpoint[] => [
  changeEndpoint({
    method: 'PATCH',
    path: '/appointments/:id',
    summary: 'Change reason and notes; the notes only as their doctor.',
    access: deskAndDoctor,
    audit: 'update',
    body: appointmentTexts,
    change: 'merge-patch',
    answers: { 200: appointment, 404: ['not-found'], 412: ['version-mismatch'] },
    handle: ({ params, body, ifMatch, trail, caller, own }) => {
      requireMembers(body, (member) => maySet(caller, member));
      return change(db, trail, async (tx) => {
        const lock = { id: param({ params }, 'id'), scope: scopeOf(own), ifMatch, trail };
        const { id, json } = await lockPresent(tx, lock);
        const texts = patched({
          schema: appointmentTexts,
          current: JSON.parse(json),
          body,
          serverMade: serverMadeMembers,
        });
        return shownTo(caller, ok(await setTexts(tx, id, texts)));
      });
    },
  }),
];

const bookingEndpoints = (parts: SettleParts): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: '/appointments',
    summary: 'Book an appointment; 202 when the doctor service gave no answer, and it completes by itself.',
    access: everyPerson,
    audit: 'create',
    body: bookingRequest,
    answers: {
      201: appointment,
      202: appointment,
      404: ['not-found', 'unknown-doctor'],
      409: [...conflicts, 'patient-busy'],
    },
    handle: async ({ body, key, trail, caller, own }) => {
      requireMembers(body, (member) => maySet(caller, member));
      requireOwnCalendar(own, body.doctorId);
      const maxPending = caller.role === undefined ? undefined : MAX_PENDING;
      const call = { request: body, scope: scopeOf(own), maxPending, key, trail };
      return shownTo(caller, await bookAppointment(parts, call));
    },
  }),
  endpoint({
    method: 'POST',
    path: '/appointments/:id/reschedule',
    summary: 'Ask for another time or doctor; the old time stays reserved until the new one is granted.',
    access: everyPerson,
    audit: 'update',
    body: rescheduleRequest,
    answers: {
      200: appointment,
      202: appointment,
      404: ['not-found', 'unknown-doctor'],
      409: [...conflicts, 'patient-busy', 'invalid-transition', 'change-in-progress'],
      412: ['version-mismatch'],
    },
    handle: async ({ params, body, ifMatch, key, trail, caller, own }) => {
      requireOwnCalendar(own, body.doctorId);
      const call = { id: param({ params }, 'id'), change: body, scope: scopeOf(own), ifMatch, key, trail };
      return shownTo(caller, await rescheduleAppointment(parts, call));
    },
  }),
  endpoint({
    method: 'POST',
    path: '/appointments/:id/cancel',
    summary: 'Cancel; the doctor’s time is freed at once, or as soon as the doctor service is back.',
    access: everyPerson,
    audit: 'update',
    body: cancelRequest,
    answers: { 200: appointment, 404: ['not-found'], 409: ['invalid-transition'], 412: ['version-mismatch'] },
    handle: async ({ params, body, ifMatch, key, trail, caller, own }) => {
      const request = own === undefined ? body : { ...body, by: requireOwnWord(own, body?.by) };
      const call = { id: param({ params }, 'id'), request, scope: scopeOf(own), ifMatch, key, trail };
      return shownTo(caller, await cancelAppointment(parts, call));
    },
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
      access: deskAndDoctor,
      audit: 'update',
      body: emptyBody,
      answers: {
        200: appointment,
        404: ['not-found'],
        409: ['invalid-transition', 'change-in-progress'],
        412: ['version-mismatch'],
      },
      handle: async ({ params, ifMatch, key, trail, caller, own }) => {
        const call = { id: param({ params }, 'id'), action, scope: scopeOf(own), ifMatch, key, trail };
        return shownTo(caller, await act(db, call));
      },
    }),
  );

export const appointmentEndpoints = (parts: SettleParts): Endpoint[] => [
  ...readEndpoints(parts),
  ...textEndpoints(parts),
  ...bookingEndpoints(parts),
  ...actionEndpoints(parts),
];
