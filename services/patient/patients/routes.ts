import { z } from 'zod';
import type { Database } from '../../shared/db/database.ts';
import { noContent, ok, okPage } from '../../shared/http/answer.ts';
import { isTimestamp, pageSchema, paging, readCursor } from '../../shared/http/cursor.ts';
import { changeEndpoint, type Endpoint, endpoint, param } from '../../shared/http/endpoint.ts';
import { patched, replaced } from '../../shared/http/merge-patch.ts';
import { email, emptyBody, instant, partialDate, phone } from '../../shared/schema/schema.ts';
import {
  digitsOf,
  identifierQuery,
  patientBody,
  patientResource,
  patientVersion,
  searchedWords,
} from './patient.ts';
import { deletePatient, restorePatient } from './remove.ts';
import { changePatient, createPatient } from './save.ts';
import { searchPatients } from './search.ts';
import { deletedList, patientList } from './search-store.ts';
import { getPatient, requirePatient } from './store.ts';
import { getVersion, versionList } from './version-store.ts';

const sorts = [
  'familyName',
  '-familyName',
  'birthDate',
  '-birthDate',
  'createdAt',
  '-createdAt',
  'updatedAt',
  '-updatedAt',
] as const;

const patientsQuery = z.strictObject({
  search: searchedWords.optional(),
  birthDate: partialDate.optional().describe('Finds every date that begins with it'),
  identifier: identifierQuery.optional(),
  phone: phone.optional().describe('Digits are compared'),
  email: email.optional().describe('Blind to case'),
  updatedSince: instant.optional(),
  deleted: z.enum(['true', 'false']).default('false').describe('Lists only deleted patients'),
  sort: z.enum(sorts).default('familyName'),
  ...paging,
});

/** People under care, and every state that their records had. */
export const patientEndpoints = ({ db }: { db: Database }): Endpoint[] => [
  ...collectionEndpoints(db),
  ...itemEndpoints(db),
  ...removalEndpoints(db),
  ...versionEndpoints(db),
];

const collectionEndpoints = (db: Database): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: '/patients',
    summary: 'Add a patient',
    body: patientBody,
    answers: { 201: patientResource, 409: ['duplicate-patient'] },
    handle: ({ body, key, caller }) => createPatient(db, body, { key, by: caller.subject }),
  }),
  endpoint({
    method: 'GET',
    path: '/patients',
    summary: 'Patients, by family name unless sorted otherwise',
    query: patientsQuery,
    answers: { 200: pageSchema(patientResource) },
    handle: async ({ query }) => {
      const { search, phone: number, deleted: deletedText, sort, limit, cursor, ...others } = query;
      const deleted = deletedText === 'true';
      const filters = { ...others, phoneDigits: number && digitsOf(number) };
      const after = readCursor(cursor, sort, /At$/.test(sort) ? isTimestamp : undefined);
      const request = { filters, order: sort, limit, after };
      if (search !== undefined) return okPage(await searchPatients(db, search, request, deleted));
      return okPage(await (deleted ? deletedList : patientList).page(db, request));
    },
  }),
];

const changeAnswers = {
  200: patientResource,
  404: ['not-found'],
  409: ['duplicate-patient'],
  412: ['version-mismatch'],
};

const itemEndpoints = (db: Database): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/patients/:id',
    summary: 'Read a patient',
    answers: { 200: patientResource, 304: 'Not modified', 404: ['not-found'] },
    handle: async (call) => ok(await getPatient(db, param(call, 'id'))),
  }),
  changeEndpoint({
    method: 'PUT',
    path: '/patients/:id',
    summary: 'Replace a patient',
    change: 'whole',
    body: patientBody,
    answers: changeAnswers,
    handle: async ({ params, body, ifMatch, caller }) =>
      ok(
        await changePatient(db, param({ params }, 'id'), {
          body,
          ifMatch,
          by: caller.subject,
          apply: replaced,
        }),
      ),
  }),
  changeEndpoint({
    method: 'PATCH',
    path: '/patients/:id',
    summary: 'Change members of a patient (RFC 7396); null removes one',
    change: 'merge-patch',
    body: patientBody,
    answers: changeAnswers,
    handle: async ({ params, body, ifMatch, caller }) =>
      ok(
        await changePatient(db, param({ params }, 'id'), {
          body,
          ifMatch,
          by: caller.subject,
          apply: patched,
        }),
      ),
  }),
];

const removalEndpoints = (db: Database): Endpoint[] => [
  endpoint({
    method: 'DELETE',
    path: '/patients/:id',
    summary: 'Delete a patient who has no appointments to come',
    answers: {
      204: 'Deleted',
      404: ['not-found'],
      409: ['has-upcoming-appointments'],
      412: ['version-mismatch'],
    },
    handle: async ({ params, ifMatch, caller }) => {
      await deletePatient(db, param({ params }, 'id'), { ifMatch, by: caller.subject });
      return noContent();
    },
  }),
  endpoint({
    method: 'POST',
    path: '/patients/:id/restore',
    summary: 'Bring a deleted patient back; one that is not deleted stays as it is',
    body: emptyBody,
    answers: { 200: patientResource, 404: ['not-found'], 412: ['version-mismatch'] },
    handle: ({ params, key, ifMatch, caller }) =>
      restorePatient(db, param({ params }, 'id'), { key, ifMatch, by: caller.subject }),
  }),
];

const versionEndpoints = (db: Database): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/patients/:id/versions',
    summary: 'The present and every former state of a patient, newest first',
    query: z.strictObject(paging),
    answers: { 200: pageSchema(patientVersion), 404: ['not-found'] },
    handle: async ({ params, query: { limit, cursor } }) => {
      const patientId = param({ params }, 'id');
      const order = '-version';
      const after = readCursor(cursor, order, (text) => /^[1-9]\d{0,8}$/.test(text));
      await requirePatient(db, patientId);
      return okPage(await versionList.page(db, { filters: { patientId }, order, limit, after }));
    },
  }),
  endpoint({
    method: 'GET',
    path: '/patients/:id/versions/:version',
    params: { version: /^[1-9]\d{0,8}$/ },
    summary: 'One state of a patient, by the number that was in its ETag',
    answers: { 200: patientVersion, 304: 'Not modified', 404: ['not-found'] },
    handle: async (call) => ok(await getVersion(db, param(call, 'id'), Number(param(call, 'version')))),
  }),
];
