import { z } from 'zod';
import type { Database } from '../../shared/db/database.ts';
import { created, ok, okPage } from '../../shared/http/answer.ts';
import { pageSchema, paging, readCursor } from '../../shared/http/cursor.ts';
import { changeEndpoint, type Endpoint, endpoint, param } from '../../shared/http/endpoint.ts';
import { once } from '../../shared/idempotency/once.ts';
import { invalidRequest } from '../../shared/problem/problem.ts';
import { localDateTime } from '../../shared/schema/schema.ts';
import { deskAndSelf } from '../access.ts';
import { requireDoctor } from '../doctors/store.ts';
import { addException } from './add-exception.ts';
import { exceptionBody } from './exception.ts';
import { putSchedule } from './put.ts';
import { removeException } from './remove-exception.ts';
import { scheduleBody } from './schedule.ts';
import { exceptionList, getException, getSchedule } from './store.ts';

const { keepReservations: _scheduleOnlyAsked, ...scheduleMembers } = scheduleBody.shape;
const { keepReservations: _exceptionOnlyAsked, ...exceptionMembers } = exceptionBody.shape;

const scheduleResource = z.strictObject({
  doctorId: z.uuid(),
  ...scheduleMembers,
  timeZone: z.string(),
  version: z.int(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});

const exceptionResource = z.strictObject({
  id: z.uuid(),
  doctorId: z.uuid(),
  ...exceptionMembers,
  createdAt: z.iso.datetime(),
});

const exceptionsQuery = z.strictObject({
  from: localDateTime.optional().describe("In the schedule's time zone, as the exceptions"),
  to: localDateTime.optional(),
  ...paging,
});

const removal = z.strictObject({
  keepReservations: z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true')
    .describe('Leave reservations that will lie outside open time'),
});

/** When a doctor works: the weekly schedule and its dated exceptions. */
export const scheduleEndpoints = ({ db }: { db: Database }): Endpoint[] => [
  ...weeklyEndpoints(db),
  ...exceptionEndpoints(db),
];

const weeklyEndpoints = (db: Database): Endpoint[] => [
  changeEndpoint({
    method: 'PUT',
    path: '/doctors/:id/schedule',
    summary: 'Set when a doctor works and can be booked; 201 the first time, 200 again',
    access: deskAndSelf,
    audit: 'update',
    change: 'whole',
    body: scheduleBody,
    answers: {
      200: scheduleResource,
      201: scheduleResource,
      404: ['not-found'],
      409: ['reservations-in-the-way'],
      412: ['version-mismatch'],
    },
    handle: (call) => putSchedule(db, param(call, 'id'), call),
  }),
  endpoint({
    method: 'GET',
    path: '/doctors/:id/schedule',
    summary: "A doctor's schedule",
    access: deskAndSelf,
    audit: 'none',
    answers: { 200: scheduleResource, 404: ['not-found'] },
    handle: async (call) => ok(await getSchedule(db, param(call, 'id'))),
  }),
];

const exceptionEndpoints = (db: Database): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: '/doctors/:id/exceptions',
    summary: 'Close or open time of a doctor; closed beats open',
    access: deskAndSelf,
    audit: 'create',
    body: exceptionBody,
    answers: { 201: exceptionResource, 404: ['not-found'], 409: ['reservations-in-the-way'] },
    handle: ({ params, body, ...kept }) =>
      once(db, kept, async (tx) => {
        const doctorId = param({ params }, 'id');
        const exception = await addException(tx, doctorId, body);
        return created(`/doctors/${doctorId}/exceptions/${exception.id}`, exception);
      }),
  }),
  endpoint({
    method: 'GET',
    path: '/doctors/:id/exceptions',
    summary: "A doctor's exceptions that overlap the stretch, by their start",
    access: deskAndSelf,
    audit: 'none',
    query: exceptionsQuery,
    answers: { 200: pageSchema(exceptionResource), 404: ['not-found'] },
    handle: async ({ params, query: { from, to, limit, cursor } }) => {
      if (from !== undefined && to !== undefined && to <= from)
        throw invalidRequest([{ parameter: 'to', detail: 'must be after from' }]);
      const after = readCursor(cursor, 'from');
      const doctorId = param({ params }, 'id');
      await requireDoctor(db, doctorId);
      return okPage(
        await exceptionList.page(db, { filters: { doctorId, from, to }, order: 'from', limit, after }),
      );
    },
  }),
  endpoint({
    method: 'GET',
    path: '/doctors/:id/exceptions/:exceptionId',
    summary: 'Read an exception',
    access: deskAndSelf,
    audit: 'none',
    answers: { 200: exceptionResource, 404: ['not-found'] },
    handle: async (call) => ok(await getException(db, param(call, 'id'), param(call, 'exceptionId'))),
  }),
  endpoint({
    method: 'DELETE',
    path: '/doctors/:id/exceptions/:exceptionId',
    summary: 'Take an exception back',
    access: deskAndSelf,
    audit: 'delete',
    query: removal,
    answers: {
      204: 'Deleted.',
      404: ['not-found'],
      409: ['reservations-in-the-way'],
      412: ['version-mismatch'],
    },
    handle: ({ params, query, ifMatch, trail }) => {
      const doctorId = param({ params }, 'id');
      const exceptionId = param({ params }, 'exceptionId');
      return removeException(db, { doctorId, exceptionId, ifMatch, trail, ...query });
    },
  }),
];
