import { z } from 'zod';
import type { Database } from '../../shared/db/database.ts';
import { okJson, okPage } from '../../shared/http/answer.ts';
import { isTimestamp, pageSchema, paging, readCursor } from '../../shared/http/cursor.ts';
import { type Endpoint, endpoint, param } from '../../shared/http/endpoint.ts';
import { notFound } from '../../shared/problem/problem.ts';
import { instant } from '../../shared/schema/schema.ts';
import { deskAndSelf, onlyService } from '../access.ts';
import { stretchQuery } from '../availability/stretch.ts';
import { requireDoctor } from '../doctors/store.ts';
import { release } from './release.ts';
import {
  agendaEntry,
  newestReservation,
  refusal,
  refusalReasons,
  reservationRequest,
} from './reservation.ts';
import { reserve } from './reserve.ts';
import { agendaList, findRepresentation, reservationList } from './store.ts';

const releaseQuery = z.strictObject({
  revision: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'must be a whole number from 1 to 999999999')
    .transform(Number),
});

const reservationsQuery = z.strictObject({ updatedSince: instant.optional(), ...paging });

const agendaQuery = stretchQuery(paging);

/** For the patient service alone; the Ingress does not route them. */
const internalEndpoints = (db: Database): Endpoint[] => [
  endpoint({
    method: 'PUT',
    path: '/reservations/:appointmentId',
    summary: 'Ask for time; the same revision gets the same answer again. 201 the first time, 200 again.',
    access: onlyService,
    audit: 'update',
    body: reservationRequest,
    answers: {
      200: newestReservation,
      201: newestReservation,
      409: [...refusalReasons, 'superseded', 'revision-mismatch'],
    },
    handle: async ({ params, body, trail }) => {
      const appointmentId = param({ params }, 'appointmentId');
      const decision = await reserve(db, { appointmentId, ...body, trail });
      if (!decision.granted) throw refusal(decision.reason);
      const json = JSON.stringify({
        appointmentId,
        revision: body.revision,
        state: 'active',
        doctorId: body.doctorId,
        startsAt: body.startsAt,
        endsAt: body.endsAt,
      });
      return { ...okJson(json), status: decision.isReplay ? 200 : 201 };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/reservations/:appointmentId',
    summary: 'The newest revision, and the active one if that is another.',
    access: onlyService,
    audit: 'none',
    answers: { 200: newestReservation, 404: ['not-found'] },
    handle: async ({ params }) => {
      const json = await findRepresentation(db, param({ params }, 'appointmentId'));
      if (json === undefined) throw notFound('No revision of this appointment has arrived here.');
      return okJson(json);
    },
  }),
  endpoint({
    method: 'DELETE',
    path: '/reservations/:appointmentId',
    summary: 'Free the time; repeating it changes nothing.',
    access: onlyService,
    audit: 'delete',
    query: releaseQuery,
    answers: { 204: 'Released.', 409: ['superseded', 'revision-mismatch'] },
    handle: ({ params, query: { revision }, trail }) =>
      release(db, { appointmentId: param({ params }, 'appointmentId'), revision, trail }),
  }),
  endpoint({
    method: 'GET',
    path: '/reservations',
    summary: 'The newest revision of every appointment, by id.',
    access: onlyService,
    audit: 'none',
    query: reservationsQuery,
    answers: { 200: pageSchema(newestReservation) },
    handle: async ({ query: { updatedSince, limit, cursor } }) => {
      const after = readCursor(cursor, 'appointmentId', (text) => z.uuid().safeParse(text).success);
      return okPage(
        await reservationList.page(db, { filters: { updatedSince }, order: 'appointmentId', limit, after }),
      );
    },
  }),
];

const agendaEndpoint = (db: Database): Endpoint =>
  endpoint({
    method: 'GET',
    path: '/doctors/:id/reservations',
    summary: "The doctor's agenda: visits that overlap the stretch, by start.",
    access: deskAndSelf,
    audit: 'none',
    query: agendaQuery,
    answers: { 200: pageSchema(agendaEntry), 404: ['not-found'] },
    handle: async ({ params, query: { from, to, limit, cursor } }) => {
      const doctorId = param({ params }, 'id');
      const after = readCursor(cursor, 'startsAt', isTimestamp);
      await requireDoctor(db, doctorId);
      return okPage(
        await agendaList.page(db, { filters: { doctorId, from, to }, order: 'startsAt', limit, after }),
      );
    },
  });

export const reservationEndpoints = ({ db }: { db: Database }): Endpoint[] => [
  ...internalEndpoints(db),
  agendaEndpoint(db),
];
