import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { change } from '../../shared/audit/keep.ts';
import { hide } from '../../shared/auth/hide.ts';
import { requireMembers } from '../../shared/auth/members.ts';
import type { Database } from '../../shared/db/database.ts';
import { type Answer, created, ok, okPage } from '../../shared/http/answer.ts';
import { pageSchema, paging, readCursor } from '../../shared/http/cursor.ts';
import { type Call, changeEndpoint, type Endpoint, endpoint, param } from '../../shared/http/endpoint.ts';
import { patched, replaced } from '../../shared/http/merge-patch.ts';
import { requireVersion } from '../../shared/http/version.ts';
import { once } from '../../shared/idempotency/once.ts';
import { emptyBody, instant, languageTag, name, text } from '../../shared/schema/schema.ts';
import { searchedPrefixes } from '../../shared/text/words.ts';
import { everyPerson } from '../access.ts';
import { deleteDoctor } from './delete.ts';
import { doctorBody, doctorResource, languageKey, serverMade, specialtyKey } from './doctor.ts';
import { doctorList, getDoctor, insertDoctor, lockDoctor, setRestored, updateDoctor } from './store.ts';

const doctorsQuery = z.strictObject({
  search: text(300)
    .optional()
    .describe('Words of the name in any order, each may be cut short; blind to case and accents'),
  specialty: name.optional().describe('Compared without case and accents'),
  language: languageTag.optional().describe('pt finds pt-BR too (RFC 4647, basic filtering)'),
  updatedSince: instant.optional(),
  ...paging,
});

/** Profiles of doctors. */
export const doctorEndpoints = ({ db }: { db: Database }): Endpoint[] => [
  ...collectionEndpoints(db),
  ...itemEndpoints(db),
  ...removalEndpoints(db),
];

async function changeDoctor(
  db: Database,
  { params, body, ifMatch, trail }: Call,
  apply: typeof replaced | typeof patched,
): Promise<Answer> {
  return change(db, trail, async (tx) => {
    const id = param({ params }, 'id');
    const { json, version } = await lockDoctor(tx, id);
    requireVersion(ifMatch, version);
    const doctor = apply({ schema: doctorBody, current: JSON.parse(json), body, serverMade });
    return ok(await updateDoctor(tx, id, doctor));
  });
}

/** What doctors may change of their own profile. */
const OWN_MEMBERS = new Set(['email', 'phone', 'languages']);

/** Patients see who a doctor is, and nothing more. */
const profile = ({ caller }: Pick<Call, 'caller'>, answer: Answer): Answer =>
  caller.role === 'patient' ? hide(answer, ['licenseNumber', 'email', 'phone']) : answer;

const changeAnswers = {
  200: doctorResource,
  404: ['not-found'],
  409: ['duplicate-doctor'],
  412: ['version-mismatch'],
};

const collectionEndpoints = (db: Database): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: '/doctors',
    summary: 'Add a doctor',
    access: { admin: 'all' },
    audit: 'create',
    body: doctorBody,
    answers: { 201: doctorResource, 409: ['duplicate-doctor'] },
    handle: ({ body, ...kept }) =>
      once(db, kept, async (tx) => {
        const id = uuidv7();
        return created(`/doctors/${id}`, await insertDoctor(tx, id, body));
      }),
  }),
  endpoint({
    method: 'GET',
    path: '/doctors',
    summary: 'Doctors by name',
    access: everyPerson,
    audit: 'none',
    query: doctorsQuery,
    answers: { 200: pageSchema(doctorResource) },
    handle: async ({ query: { search, specialty, language, updatedSince, limit, cursor }, caller }) => {
      const filters = {
        words: search && searchedPrefixes(search),
        specialtyKey: specialty && specialtyKey(specialty),
        languageKey: language && languageKey(language),
        updatedSince,
      };
      const after = readCursor(cursor, 'name');
      return profile({ caller }, okPage(await doctorList.page(db, { filters, order: 'name', limit, after })));
    },
  }),
];

const itemEndpoints = (db: Database): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/doctors/:id',
    summary: 'Read a doctor',
    access: everyPerson,
    audit: 'none',
    answers: { 200: doctorResource, 404: ['not-found'] },
    handle: async (call) => profile(call, ok(await getDoctor(db, param(call, 'id')))),
  }),
  changeEndpoint({
    method: 'PUT',
    path: '/doctors/:id',
    summary: 'Replace a doctor',
    access: { admin: 'all' },
    audit: 'update',
    change: 'whole',
    body: doctorBody,
    answers: changeAnswers,
    handle: (call) => changeDoctor(db, call, replaced),
  }),
  changeEndpoint({
    method: 'PATCH',
    path: '/doctors/:id',
    summary: 'Change members of a doctor (RFC 7396); doctors change their own contact data and languages',
    access: { admin: 'all', doctor: 'self' },
    audit: 'update',
    change: 'merge-patch',
    body: doctorBody,
    answers: changeAnswers,
    handle: (call) => {
      if (call.own !== undefined) requireMembers(call.body, (member) => OWN_MEMBERS.has(member));
      return changeDoctor(db, call, patched);
    },
  }),
];

const removalEndpoints = (db: Database): Endpoint[] => [
  endpoint({
    method: 'DELETE',
    path: '/doctors/:id',
    summary: 'Delete a doctor who has no reservations to come',
    access: { admin: 'all' },
    audit: 'delete',
    answers: {
      204: 'Deleted.',
      404: ['not-found'],
      409: ['has-upcoming-reservations'],
      412: ['version-mismatch'],
    },
    handle: (call) => deleteDoctor(db, param(call, 'id'), call),
  }),
  endpoint({
    method: 'POST',
    path: '/doctors/:id/restore',
    summary: 'Bring a deleted doctor back; one that is not deleted stays as it is',
    access: { admin: 'all' },
    audit: 'update',
    body: emptyBody,
    answers: { 200: doctorResource, 404: ['not-found'], 412: ['version-mismatch'] },
    handle: ({ params, ifMatch, ...kept }) =>
      once(db, kept, async (tx) => {
        const id = param({ params }, 'id');
        const { version } = await lockDoctor(tx, id, { deletedToo: true });
        requireVersion(ifMatch, version);
        return ok(await setRestored(tx, id));
      }),
  }),
];
