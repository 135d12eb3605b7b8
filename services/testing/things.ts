import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { applicationRole } from '../local/databases.ts';
import { change } from '../shared/audit/keep.ts';
import type { Database, Db } from '../shared/db/database.ts';
import { defineList } from '../shared/db/list.ts';
import { sql } from '../shared/db/statement.ts';
import {
  type Answer,
  created,
  noContent,
  ok,
  okJson,
  okPage,
  type Representation,
} from '../shared/http/answer.ts';
import { isTimestamp, pageSchema, paging, readCursor } from '../shared/http/cursor.ts';
import { changeEndpoint, type Endpoint, endpoint, param } from '../shared/http/endpoint.ts';
import { patched } from '../shared/http/merge-patch.ts';
import { requireVersion } from '../shared/http/version.ts';
import { once } from '../shared/idempotency/once.ts';
import type { ServiceDefinition } from '../shared/lifecycle/service.ts';
import { currentContext } from '../shared/log/context.ts';
import { defineProblem, notFound } from '../shared/problem/problem.ts';
import { name } from '../shared/schema/schema.ts';
import { startTestService, type TestService, type TestServiceOptions } from './service.ts';

/** A made-up resource with which the plumbing is tested: it knows nothing of patients and doctors. */
export const thingBody = z.strictObject({ name, note: name.optional() });
const thing = thingBody.extend({ id: z.uuid(), version: z.int() });

export const nameTaken = defineProblem('name-taken', 409, 'Another thing has this name');

const JSON_TEXT = `json_strip_nulls(json_build_object('id', id, 'name', name, 'note', note, 'version', version))::text`;

const INSERT = sql<[id: string, name: string, note: string | null], Representation>(
  'things.insert',
  `insert into things (id, name, note) values ($1, $2, $3) returning id, ${JSON_TEXT} as json, version`,
);
const FIND = sql<[id: string], Representation>(
  'things.find',
  `select id, ${JSON_TEXT} as json, version from things where id = $1`,
);
const UPDATE = sql<[id: string, name: string, note: string | null], Representation>(
  'things.update',
  `update things set name = $2, note = $3, version = version + 1 where id = $1 returning id, ${JSON_TEXT} as json, version`,
);
const FAIL = sql<[text: string]>('things.fail', 'select $1::text::integer');
const SLEEP = sql<[seconds: number]>('things.sleep', 'select pg_sleep($1)');

export const thingList = defineList({
  name: 'things',
  json: JSON_TEXT,
  from: 'from things',
  id: 'id',
  filters: { name: 'name = ?', note: 'note = ?' },
  orders: {
    name: { expression: 'name', type: 'text' },
    createdAt: { expression: 'created_at', type: 'timestamptz' },
    '-createdAt': { expression: 'created_at', type: 'timestamptz', descending: true },
  },
});

async function getThing(db: Db, id: string): Promise<Representation> {
  const [found] = await db.query(FIND, [id]);
  if (found === undefined) throw notFound('There is no such thing.');
  return found;
}

/** What a test decides about the endpoints under /trouble. */
export interface Trouble {
  /** Called by `GET /trouble/wait`, which answers when it resolves. */
  wait: () => Promise<void>;
  /** Called by `POST /trouble/answers`. */
  answer: (tx: Db, body: unknown) => Promise<Answer>;
  /** Thrown by `GET /trouble/throw`. */
  error: unknown;
}

const things = (db: Database): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: '/things',
    summary: 'Add a thing',
    access: {},
    audit: 'create',
    body: thingBody,
    answers: { 201: thing, 409: ['name-taken'] },
    handle: ({ body, ...kept }) =>
      once(db, kept, async (tx) => {
        const [inserted] = await tx.query(INSERT, [randomUUID(), body.name, body.note ?? null]);
        if (inserted === undefined) throw new Error('nothing was inserted');
        return created(`/things/${inserted.id}`, inserted);
      }),
  }),
  endpoint({
    method: 'GET',
    path: '/things',
    summary: 'Things',
    access: {},
    audit: 'none',
    query: z.strictObject({
      name: name.optional(),
      order: z.enum(['name', 'createdAt', '-createdAt']).default('name'),
      tag: z.array(z.string()).optional(),
      ...paging,
    }),
    answers: { 200: pageSchema(thing) },
    handle: async ({ query: { name, order, limit, cursor } }) => {
      const after = readCursor(cursor, order, order === 'name' ? undefined : isTimestamp);
      return okPage(await thingList.page(db, { filters: { name }, order, limit, after }));
    },
  }),
  endpoint({
    method: 'GET',
    path: '/things/:id',
    summary: 'Read a thing',
    access: {},
    audit: 'none',
    answers: { 200: thing, 404: ['not-found'] },
    handle: async (call) => ok(await getThing(db, param(call, 'id'))),
  }),
  changeEndpoint({
    method: 'PATCH',
    path: '/things/:id',
    summary: 'Change a thing',
    access: {},
    audit: 'update',
    change: 'merge-patch',
    body: thingBody,
    answers: { 200: thing, 404: ['not-found'], 412: ['version-mismatch'] },
    handle: ({ params, body, ifMatch, trail }) =>
      change(db, trail, async (tx) => {
        const id = param({ params }, 'id');
        const { json, version } = await getThing(tx, id);
        requireVersion(ifMatch, version);
        const serverMade = ['id', 'version'];
        const { name, note } = patched({ schema: thingBody, current: JSON.parse(json), body, serverMade });
        const [updated] = await tx.query(UPDATE, [id, name, note ?? null]);
        if (updated === undefined) throw notFound('There is no such thing.');
        return ok(updated);
      }),
  }),
];

const troubles = (db: Database, trouble: Partial<Trouble>): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/trouble/wait',
    summary: 'Answers when the test says so',
    access: {},
    audit: 'none',
    answers: { 204: 'Done.' },
    handle: async () => {
      await trouble.wait?.();
      return noContent();
    },
  }),
  endpoint({
    method: 'POST',
    path: '/trouble/answers',
    summary: 'Answers what the test says, once per key',
    access: {},
    audit: 'create',
    body: z.unknown(),
    answers: { 200: z.unknown() },
    handle: ({ body, ...kept }) =>
      once(db, kept, async (tx) => (await trouble.answer?.(tx, body)) ?? noContent()),
  }),
  endpoint({
    method: 'GET',
    path: '/trouble/throw',
    summary: 'Throws what the test says',
    access: {},
    audit: 'none',
    answers: { 204: 'Never.' },
    handle: () => Promise.reject(trouble.error),
  }),
  endpoint({
    method: 'GET',
    path: '/trouble/fail',
    summary: 'A statement that fails with a value in its message',
    access: {},
    audit: 'none',
    answers: { 204: 'Never.' },
    handle: async () => {
      await db.query(FAIL, ['Zebra Quagga']);
      return noContent();
    },
  }),
  endpoint({
    method: 'GET',
    path: '/trouble/sleep',
    summary: 'A statement that takes longer than one may',
    access: {},
    audit: 'none',
    answers: { 204: 'Never.' },
    handle: async () => {
      await db.query(SLEEP, [60]);
      return noContent();
    },
  }),
  endpoint({
    method: 'GET',
    path: '/trouble/context/:name',
    params: { name: /^[a-z]+$/ },
    summary: 'The context of the request',
    access: {},
    audit: 'none',
    answers: { 200: z.unknown() },
    handle: async ({ params }) => okJson(JSON.stringify({ ...currentContext(), ...params })),
  }),
];

/** A service of things, and of trouble. */
export const thingService = (trouble: Partial<Trouble> = {}): ServiceDefinition => ({
  name: 'things',
  title: 'Things',
  description: 'Made up.',
  migrations: fileURLToPath(new URL('../doctor/migrations', import.meta.url)),
  roles: {},
  constraints: { things_name_key: () => nameTaken('The name belongs to another thing.') },
  build: ({ db }) => ({
    endpoints: [...things(db), ...troubles(db, trouble)],
  }),
});

const TABLE = `
  create table things (
    id uuid primary key,
    name text collate "C" not null constraint things_name_key unique,
    note text,
    version integer not null default 1,
    created_at timestamptz not null default clock_timestamp()
  );
  grant select, insert, update, delete on things to ${applicationRole('doctor')};
`;

/** The service of things in this process, on a database of its own. */
export async function startThings(
  trouble: Partial<Trouble> = {},
  options: TestServiceOptions = {},
): Promise<TestService> {
  const service = await startTestService(thingService(trouble), 'doctor', options);
  if (options.database === undefined) await service.db.query(TABLE);
  return service;
}
