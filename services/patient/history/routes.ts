import { z } from 'zod';
import type { Database } from '../../shared/db/database.ts';
import { ok, okPage } from '../../shared/http/answer.ts';
import { isTimestamp, pageSchema, paging, readCursor } from '../../shared/http/cursor.ts';
import { changeEndpoint, type Endpoint, endpoint, param } from '../../shared/http/endpoint.ts';
import { instantOrPartialDate, startOfPeriod } from '../../shared/schema/schema.ts';
import { scopeOf } from '../access.ts';
import { requirePatient } from '../patients/store.ts';
import { amendEntry } from './amend.ts';
import { amendedEntry, entryBody, entryResource, kinds, noSuchEntry, timelineItem } from './entry.ts';
import { recordEntry } from './record.ts';
import { findEntry, findVisit, timelinePage } from './store.ts';

const moment = instantOrPartialDate.transform(startOfPeriod);

const timelineQuery = z.strictObject({
  kind: z.enum([...kinds, 'visit']).optional(),
  from: moment.optional().describe('Occurred then or later; a date is its first moment in UTC'),
  to: moment.optional().describe('Occurred before then; a date is its first moment in UTC'),
  ...paging,
});

const ORDER = '-occurredAt';

/** What happened to patients. */
export const historyEndpoints = ({ db }: { db: Database }): Endpoint[] => [
  ...timelineEndpoints(db),
  ...entryEndpoints(db),
];

const timelineEndpoints = (db: Database): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: '/patients/:id/history',
    summary: 'Record what happened to a patient',
    access: { doctor: 'own' },
    audit: 'create',
    about: 'id',
    body: entryBody,
    answers: { 201: entryResource, 404: ['not-found'] },
    handle: ({ params, body, key, trail, caller, own }) => {
      const recording = { entry: body, key, trail, by: caller.subject, scope: scopeOf(own) };
      return recordEntry(db, param({ params }, 'id'), recording);
    },
  }),
  endpoint({
    method: 'GET',
    path: '/patients/:id/history',
    summary: 'The timeline, newest first: entries that nothing supersedes, and completed visits',
    access: { doctor: 'own', patient: 'own' },
    audit: 'search',
    about: 'id',
    query: timelineQuery,
    answers: { 200: pageSchema(timelineItem), 404: ['not-found'] },
    handle: async ({ params, query: { cursor, ...query }, own }) => {
      const patientId = param({ params }, 'id');
      const after = readCursor(cursor, ORDER, isTimestamp);
      await requirePatient(db, patientId, scopeOf(own));
      return okPage(await timelinePage(db, patientId, { ...query, after }, ORDER));
    },
  }),
];

const entryEndpoints = (db: Database): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/patients/:id/history/:entryId',
    summary: 'One entry or visit, superseded ones too',
    access: { doctor: 'own', patient: 'own' },
    audit: 'read',
    about: 'id',
    answers: { 200: timelineItem, 304: 'Not modified', 404: ['not-found'] },
    handle: async (call) => {
      const patientId = param(call, 'id');
      const entryId = param(call, 'entryId');
      await requirePatient(db, patientId, scopeOf(call.own));
      const found = (await findEntry(db, patientId, entryId)) ?? (await findVisit(db, patientId, entryId));
      if (found === undefined) throw noSuchEntry();
      return ok(found);
    },
  }),
  changeEndpoint({
    method: 'POST',
    path: '/patients/:id/history/:entryId/amend',
    summary: 'Supersede an entry by a new one: what the body says, the rest as it was; null removes a member',
    access: { doctor: 'own' },
    audit: 'create',
    about: 'id',
    change: 'merge-patch',
    body: amendedEntry,
    answers: {
      201: entryResource,
      404: ['not-found'],
      409: ['already-amended'],
      412: ['version-mismatch'],
    },
    handle: ({ params, body, key, trail, ifMatch, caller, own }) =>
      amendEntry(
        db,
        { patientId: param({ params }, 'id'), entryId: param({ params }, 'entryId') },
        { body, key, trail, ifMatch, by: caller.subject, scope: scopeOf(own) },
      ),
  }),
];
