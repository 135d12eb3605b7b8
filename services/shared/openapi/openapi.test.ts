import { z } from 'zod';
import { openApiFaults } from '../../testing/openapi-faults.ts';
import { okJson } from '../http/answer.ts';
import { pageSchema, paging } from '../http/cursor.ts';
import { changeEndpoint, type Endpoint, endpoint } from '../http/endpoint.ts';
import { emptyBody, instant, name, timeZone, wholeNumber } from '../schema/schema.ts';
import { openApiDocument } from './openapi.ts';

const handle = () => Promise.resolve(okJson('{}'));
const body = z.strictObject({
  name,
  zone: timeZone.optional(),
  nested: z.strictObject({ from: instant, size: wholeNumber(1, 9).default(3) }).optional(),
});
const resource = body.extend({ id: z.uuid(), version: z.int(), at: instant });

const endpoints: Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/things',
    summary: 'Add',
    access: {},
    audit: 'none',
    body,
    answers: { 201: resource, 202: resource, 409: ['name-taken', 'too-soon'] },
    handle,
  }),
  endpoint({
    method: 'GET',
    path: '/things',
    summary: 'List',
    access: {},
    audit: 'none',
    query: z.strictObject({
      at: instant,
      tag: z.array(z.enum(['a', 'b'])).optional(),
      search: name.optional().describe('Words'),
      ...paging,
    }),
    answers: { 200: pageSchema(resource) },
    handle,
  }),
  endpoint({
    method: 'GET',
    path: '/things/:id',
    summary: 'Read',
    access: {},
    audit: 'none',
    answers: { 200: resource },
    handle,
  }),
  endpoint({
    method: 'GET',
    path: '/things/:id.ics',
    summary: 'Export',
    access: {},
    audit: 'none',
    answers: { 200: 'text' },
    handle,
  }),
  endpoint({
    method: 'GET',
    path: '/things/:id/versions/:number',
    params: { number: /^\d+$/ },
    summary: 'Version',
    access: {},
    audit: 'none',
    answers: { 200: resource },
    handle,
  }),
  changeEndpoint({
    method: 'PATCH',
    path: '/things/:id',
    summary: 'Change',
    access: {},
    audit: 'none',
    change: 'merge-patch',
    body,
    answers: { 200: resource, 412: ['version-mismatch'] },
    handle,
  }),
  endpoint({
    method: 'POST',
    path: '/things/:id/restore',
    summary: 'Restore',
    access: {},
    audit: 'none',
    body: emptyBody,
    answers: { 200: resource, 412: ['version-mismatch'] },
    handle,
  }),
  endpoint({
    method: 'DELETE',
    path: '/things/:id',
    summary: 'Delete',
    access: {},
    audit: 'none',
    answers: { 204: 'Gone.' },
    handle,
  }),
];

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: Record<string, unknown>;
}
interface Operation {
  operationId: string;
  parameters: Parameter[];
  requestBody?: { required: boolean; content: Record<string, { schema: Record<string, unknown> }> };
  responses: Record<
    string,
    { description: string; headers?: object; content?: Record<string, { schema: Record<string, unknown> }> }
  >;
}

const document = openApiDocument('Things', '1.2.3', 'Made up.', endpoints) as {
  openapi: string;
  info: object;
  paths: Record<string, Record<string, Operation>>;
};

function operation(method: string, path: string): Operation {
  const found = document.paths[path]?.[method];
  if (found === undefined) throw new Error(`${method} ${path} is not there`);
  return found;
}
const parameter = (of: Operation, name: string) => of.parameters.find((each) => each.name === name);

test('it is an OpenAPI 3.1 document', () => {
  expect(openApiFaults(document)).toEqual([]);
  expect(document.openapi).toBe('3.1.0');
  expect(document.info).toEqual({ title: 'Things', version: '1.2.3', description: 'Made up.' });
});

test('every endpoint is in it once', () => {
  const found = Object.entries(document.paths).flatMap(([path, of]) =>
    Object.keys(of).map((method) => `${method} ${path}`),
  );
  expect(found.sort()).toEqual(
    endpoints.map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, '{$1}')}`).sort(),
  );
});

test('operations have names for generated clients', () => {
  expect(operation('post', '/things/{id}/restore').operationId).toBe('postThingsIdRestore');
  expect(operation('get', '/things/{id}.ics').operationId).toBe('getThingsIdIcs');
});

test('what a path holds is a UUID, or what its pattern says', () => {
  const { parameters } = operation('get', '/things/{id}/versions/{number}');
  expect(parameters.filter((each) => each.in === 'path')).toEqual([
    { name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } },
    { name: 'number', in: 'path', required: true, schema: { type: 'string', pattern: '^\\d+$' } },
  ]);
});

test('parameters tell what is required, what may be repeated, and numbers as numbers', () => {
  const list = operation('get', '/things');
  expect(parameter(list, 'at')).toMatchObject({
    required: true,
    schema: { type: 'string', format: 'date-time' },
  });
  expect(parameter(list, 'tag')).toMatchObject({ required: false, schema: { type: 'array' } });
  expect(parameter(list, 'search')).toMatchObject({ description: 'Words' });
  expect(parameter(list, 'limit')).toMatchObject({
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
  });
});

test('a body tells its members, their sizes, and that there are no others', () => {
  const { requestBody } = operation('post', '/things');
  expect(requestBody?.required).toBe(true);
  expect(requestBody?.content['application/json']?.schema).toMatchObject({
    type: 'object',
    required: ['name'],
    additionalProperties: false,
    properties: {
      name: { type: 'string', minLength: 1, maxLength: 100 },
      nested: { properties: { from: { format: 'date-time' }, size: { minimum: 1, maximum: 9, default: 3 } } },
    },
  });
  expect(operation('post', '/things/{id}/restore').requestBody?.required).toBe(false);
});

test('an answer tells instants as instants, although they are changed on the way in', () => {
  const { content } = operation('get', '/things/{id}').responses[200] ?? {};
  expect(content?.['application/json']?.schema).toMatchObject({
    properties: { at: { type: 'string', format: 'date-time' }, zone: { type: 'string' } },
  });
});

test('a merge patch requires nothing, removes by null at every depth, and has two media types', () => {
  const content = operation('patch', '/things/{id}').requestBody?.content ?? {};
  expect(Object.keys(content)).toEqual(['application/merge-patch+json', 'application/json']);
  const schema = content['application/merge-patch+json']?.schema;
  expect(JSON.stringify(schema)).not.toContain('"required"');
  expect(schema).toMatchObject({
    properties: {
      name: { anyOf: [{ type: 'string' }, { type: 'null' }] },
      nested: { anyOf: [{ properties: { from: { anyOf: [{}, { type: 'null' }] } } }, { type: 'null' }] },
    },
  });
});

test('headers are told where they mean something', () => {
  const headers = (of: Operation) =>
    of.parameters.filter((each) => each.in === 'header').map(({ name }) => name);
  expect(headers(operation('post', '/things'))).toEqual(['Idempotency-Key']);
  expect(headers(operation('post', '/things/{id}/restore'))).toEqual(['Idempotency-Key', 'If-Match']);
  expect(headers(operation('get', '/things/{id}'))).toEqual(['If-None-Match']);
  expect(headers(operation('get', '/things'))).toEqual([]);
  const created = operation('post', '/things').responses;
  expect(Object.keys(created[201]?.headers ?? {})).toEqual(['ETag', 'Location']);
  expect(Object.keys(created[202]?.headers ?? {})).toEqual(['ETag', 'Location', 'Retry-After']);
  expect(operation('get', '/things/{id}').responses).toHaveProperty('304');
});

test('problems are told by their words', () => {
  expect(operation('post', '/things').responses[409]).toMatchObject({
    description: '`name-taken`, `too-soon`',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  });
});
