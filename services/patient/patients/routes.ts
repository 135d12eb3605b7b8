import { z } from 'zod';
import { forbidden } from '../../shared/auth/authenticate.ts';
import { requireMembers } from '../../shared/auth/members.ts';
import type { Database } from '../../shared/db/database.ts';
import { ok, okPage } from '../../shared/http/answer.ts';
import { isTimestamp, pageSchema, paging, readCursor } from '../../shared/http/cursor.ts';
import { changeEndpoint, type Endpoint, endpoint, param } from '../../shared/http/endpoint.ts';
import { patched, replaced } from '../../shared/http/merge-patch.ts';
import { email, emptyBody, instant, partialDate, phone } from '../../shared/schema/schema.ts';
import { scopeOf } from '../access.ts';
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
    access: { admin: 'all', receptionist: 'all' },
    audit: 'create',
    body: patientBody,
    answers: { 201: patientResource, 409: ['duplicate-patient'] },
    handle: ({ body, key, trail, caller }) => createPatient(db, body, { key, trail, by: caller.subject }),
  }),
  endpoint({
    method: 'GET',
    path: '/patients',
    summary: 'Patients, by family name unless sorted otherwise; a doctor finds those whom the doctor has',
    access: { admin: 'all', receptionist: 'all', doctor: 'own' },
    audit: 'search',
    query: patientsQuery,
    answers: { 200: pageSchema(patientResource) },
    handle: async ({ query, caller, own }) => {
      const { search, phone: number, deleted: deletedText, sort, limit, cursor, ...others } = query;
      const deleted = deletedText === 'true';
      if (deleted && caller.role !== undefined && caller.role !== 'admin')
        throw forbidden('Only the role admin may list deleted patients.');
      const filters = { ...others, phoneDigits: number && digitsOf(number), ofDoctor: own?.id };
      const after = readCursor(cursor, sort, /At$/.test(sort) ? isTimestamp : undefined);
      const request = { filters, order: sort, limit, after };
      if (search !== undefined) return okPage(await searchPatients(db, search, request, deleted));
      return okPage(await (deleted ? deletedList : patientList).page(db, request));
    },
  }),
];

/** What patients may change of their own record. */
const CONTACT_DATA = new Set(['phone', 'email', 'address', 'emergencyContact']);

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
    access: { admin: 'all', receptionist: 'all', doctor: 'own', patient: 'own' },
    audit: 'read',
    about: 'id',
    answers: { 200: patientResource, 304: 'Not modified', 404: ['not-found'] },
    handle: async (call) => ok(await getPatient(db, param(call, 'id'), scopeOf(call.own))),
  }),
  changeEndpoint({
    method: 'PUT',
    path: '/patients/:id',
    summary: 'Replace a patient',
    access: { admin: 'all', receptionist: 'all' },
    audit: 'update',
    about: 'id',
    change: 'whole',
    body: patientBody,
    answers: changeAnswers,
    handle: ({ params, body, ifMatch, trail, caller, own }) => {
      const change = { body, ifMatch, trail, by: caller.subject, scope: scopeOf(own), apply: replaced };
      return changePatient(db, param({ params }, 'id'), change);
    },
  }),
  changeEndpoint({
    method: 'PATCH',
    path: '/patients/:id',
    summary:
      'Change members of a patient (RFC 7396); null removes one. Patients change their own contact data',
    access: { admin: 'all', receptionist: 'all', patient: 'own' },
    audit: 'update',
    about: 'id',
    change: 'merge-patch',
    body: patientBody,
    answers: changeAnswers,
    handle: async ({ params, body, ifMatch, trail, caller, own }) => {
      if (own !== undefined) requireMembers(body, (member) => CONTACT_DATA.has(member));
      const change = { body, ifMatch, trail, by: caller.subject, scope: scopeOf(own), apply: patched };
      return changePatient(db, param({ params }, 'id'), change);
    },
  }),
];

const removalEndpoints = (db: Database): Endpoint[] => [
  endpoint({
    method: 'DELETE',
    path: '/patients/:id',
    summary: 'Delete a patient who has no appointments to come',
    access: { admin: 'all' },
    audit: 'delete',
    about: 'id',
    answers: {
      204: 'Deleted',
      404: ['not-found'],
      409: ['has-upcoming-appointments'],
      412: ['version-mismatch'],
    },
    handle: ({ params, ifMatch, trail, caller }) =>
      deletePatient(db, param({ params }, 'id'), { ifMatch, trail, by: caller.subject }),
  }),
  endpoint({
    method: 'POST',
    path: '/patients/:id/restore',
    summary: 'Bring a deleted patient back; one that is not deleted stays as it is',
    access: { admin: 'all' },
    audit: 'update',
    about: 'id',
    body: emptyBody,
    answers: { 200: patientResource, 404: ['not-found'], 412: ['version-mismatch'] },
    handle: ({ params, key, trail, ifMatch, caller }) =>
      restorePatient(db, param({ params }, 'id'), { key, trail, ifMatch, by: caller.subject }),
  }),
];

const versionEndpoints = (db: Database): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/patients/:id/versions',
    summary: 'The present and every former state of a patient, newest first',
    access: { admin: 'all', receptionist: 'all' },
    audit: 'search',
    about: 'id',
    query: z.strictObject(paging),
    answers: { 200: pageSchema(patientVersion), 404: ['not-found'] },
    handle: async ({ params, query: { limit, cursor }, own }) => {
      const patientId = param({ params }, 'id');
      const order = '-version';
      const after = readCursor(cursor, order, (text) => /^[1-9]\d{0,8}$/.test(text));
      await requirePatient(db, patientId, scopeOf(own));
      return okPage(await versionList.page(db, { filters: { patientId }, order, limit, after }));
    },
  }),
  endpoint({
    method: 'GET',
    path: '/patients/:id/versions/:version',
    params: { version: /^[1-9]\d{0,8}$/ },
    summary: 'One state of a patient, by the number that was in its ETag',
    access: { admin: 'all', receptionist: 'all' },
    audit: 'read',
    about: 'id',
    answers: { 200: patientVersion, 304: 'Not modified', 404: ['not-found'] },
    handle: async (call) => ok(await getVersion(db, param(call, 'id'), Number(param(call, 'version')))),
  }),
];
