import { z } from 'zod';
import { addAbout } from '../../shared/audit/trail.ts';
import type { Database } from '../../shared/db/database.ts';
import { okPage } from '../../shared/http/answer.ts';
import { isSortKeyOf, isTimestamp, pageSchema, paging, readCursor } from '../../shared/http/cursor.ts';
import { type Endpoint, endpoint, param } from '../../shared/http/endpoint.ts';
import { instant, text, uuid } from '../../shared/schema/schema.ts';
import { scopeOf } from '../access.ts';
import { requirePatient } from '../patients/store.ts';
import { accessLogEntry, auditEvent } from './audit-event.ts';
import { accessLog, eventList, fewEventsList, hasFewEvents, withKeys } from './store.ts';

const ORDER = '-recordedAt';
const positionOf = (cursor: string | undefined) => readCursor(cursor, ORDER, isTimestamp, isSortKeyOf.bigint);

const eventsQuery = z.strictObject({
  patientId: uuid.optional().describe('Whom the events are about'),
  subject: text(300).optional().describe('Who acted, as the events name them'),
  from: instant.optional(),
  to: instant.optional(),
  ...paging,
});

/** Who has asked for what. The Ingress does not route /audit-events: it is for the service's own port. */
export const auditEventEndpoints = ({ db }: { db: Database }): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/audit-events',
    summary: 'Who asked for what, and what came of it; newest first',
    access: { admin: 'all' },
    audit: 'search',
    query: eventsQuery,
    answers: { 200: pageSchema(auditEvent) },
    handle: async ({ query: { limit, cursor, ...filters }, trail }) => {
      const { patientId, subject } = filters;
      if (patientId !== undefined) addAbout(trail, patientId);
      const areFew =
        patientId !== undefined ||
        (subject !== undefined && (await hasFewEvents(db, { ...filters, subject })));
      const list = areFew ? fewEventsList : eventList;
      return okPage(
        await list.page(db, { filters: withKeys(filters), order: ORDER, limit, after: positionOf(cursor) }),
      );
    },
  }),
  endpoint({
    method: 'GET',
    path: '/patients/:id/access-log',
    summary: 'Who asked for a patient’s data, newest first',
    access: { admin: 'all', patient: 'own' },
    audit: 'search',
    about: 'id',
    query: z.strictObject(paging),
    answers: { 200: pageSchema(accessLogEntry), 404: ['not-found'] },
    handle: async ({ params, query: { limit, cursor }, own }) => {
      const patientId = param({ params }, 'id');
      const after = positionOf(cursor);
      await requirePatient(db, patientId, scopeOf(own));
      return okPage(
        await accessLog.page(db, { filters: withKeys({ patientId }), order: ORDER, limit, after }),
      );
    },
  }),
];
