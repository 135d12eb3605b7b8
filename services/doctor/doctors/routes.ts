import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import type { Database } from '../../shared/db/database.ts';
import { type Answer, created, noContent, ok, okPage } from '../../shared/http/answer.ts';
import { pageSchema, paging, readCursor } from '../../shared/http/cursor.ts';
import { type Call, changeEndpoint, type Endpoint, endpoint, param } from '../../shared/http/endpoint.ts';
import { patched, replaced } from '../../shared/http/merge-patch.ts';
import { requireVersion } from '../../shared/http/version.ts';
import { once } from '../../shared/idempotency/once.ts';
import { emptyBody, instant, languageTag, name, text } from '../../shared/schema/schema.ts';
import { searchedPrefixes } from '../../shared/text/words.ts';
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

async function change(
  db: Database,
  { params, body, ifMatch }: Call,
  apply: typeof replaced | typeof patched,
): Promise<Answer> {
  return db.tx(async (tx) => {
    const id = param({ params }, 'id');
    const { json, version } = await lockDoctor(tx, id);
    requireVersion(ifMatch, version);
    const doctor = apply({ schema: doctorBody, current: JSON.parse(json), body, serverMade });
    return ok(await updateDoctor(tx, id, doctor));
  });
}

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
    body: doctorBody,
    answers: { 201: doctorResource, 409: ['duplicate-doctor'] },
    handle: ({ key, body }) =>
      once(db, key, async (tx) => {
        const id = uuidv7();
        return created(`/doctors/${id}`, await insertDoctor(tx, id, body));
      }),
  }),
  endpoint({
    method: 'GET',
    path: '/doctors',
    summary: 'Doctors by name',
    query: doctorsQuery,
    answers: { 200: pageSchema(doctorResource) },
    handle: async ({ query: { search, specialty, language, updatedSince, limit, cursor } }) => {
      const filters = {
        words: search && searchedPrefixes(search),
        specialtyKey: specialty && specialtyKey(specialty),
        languageKey: language && languageKey(language),
        updatedSince,
      };
      return okPage(
        await doctorList.page(db, { filters, order: 'name', limit, after: readCursor(cursor, 'name') }),
      );
    },
  }),
];

const itemEndpoints = (db: Database): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/doctors/:id',
    summary: 'Read a doctor',
    answers: { 200: doctorResource, 404: ['not-found'] },
    handle: async (call) => ok(await getDoctor(db, param(call, 'id'))),
  }),
  changeEndpoint({
    method: 'PUT',
    path: '/doctors/:id',
    summary: 'Replace a doctor',
    change: 'whole',
    body: doctorBody,
    answers: changeAnswers,
    handle: (call) => change(db, call, replaced),
  }),
  changeEndpoint({
    method: 'PATCH',
    path: '/doctors/:id',
    summary: 'Change members of a doctor (RFC 7396)',
    change: 'merge-patch',
    body: doctorBody,
    answers: changeAnswers,
    handle: (call) => change(db, call, patched),
  }),
];

const removalEndpoints = (db: Database): Endpoint[] => [
  endpoint({
    method: 'DELETE',
    path: '/doctors/:id',
    summary: 'Delete a doctor who has no reservations to come',
    answers: {
      204: 'Deleted.',
      404: ['not-found'],
      409: ['has-upcoming-reservations'],
      412: ['version-mismatch'],
    },
    handle: async (call) => {
      await deleteDoctor(db, param(call, 'id'), call.ifMatch);
      return noContent();
    },
  }),
  endpoint({
    method: 'POST',
    path: '/doctors/:id/restore',
    summary: 'Bring a deleted doctor back; one that is not deleted stays as it is',
    body: emptyBody,
    answers: { 200: doctorResource, 404: ['not-found'], 412: ['version-mismatch'] },
    handle: ({ params, key, ifMatch }) =>
      once(db, key, async (tx) => {
        const id = param({ params }, 'id');
        const { version } = await lockDoctor(tx, id, { deletedToo: true });
        requireVersion(ifMatch, version);
        return ok(await setRestored(tx, id));
      }),
  }),
];
