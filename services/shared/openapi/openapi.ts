import { z } from 'zod';
import type { AnswerDescription, Endpoint } from '../http/endpoint.ts';

type Json = Record<string, unknown>;

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return json;
};

const PROBLEM: Json = {
  type: 'object',
  description: 'RFC 9457 problem details.',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: { type: 'string', description: 'urn:problem-type: and a word that never changes' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['detail'],
        properties: {
          pointer: { type: 'string' },
          parameter: { type: 'string' },
          header: { type: 'string' },
          detail: { type: 'string' },
        },
      },
    },
  },
};

const problemContent: Json = {
  'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
};

function answerOf(status: string, answer: AnswerDescription): Json {
  if (typeof answer === 'string') return { description: answer };
  if (Array.isArray(answer))
    return { description: answer.map((word) => `\`${word}\``).join(', '), content: problemContent };
  const schema = answer as z.ZodType;
  return {
    description: schema.description ?? (status === '201' ? 'Created' : 'OK'),
    content: { 'application/json': { schema: schemaOf(schema, 'output') } },
  };
}

const PATH_PARAMETER = /:([A-Za-z]+)/g;

function parametersOf({ path, params = {}, query, method }: Endpoint): Json[] {
  const inPath = [...path.matchAll(PATH_PARAMETER)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema:
      params[name] === undefined
        ? { type: 'string', format: 'uuid' }
        : { type: 'string', pattern: params[name].source },
  }));
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !(schema as z.ZodType).safeParse(undefined).success,
    schema: schemaOf(schema as z.ZodType, 'input'),
  }));
  const optional = (name: string, description: string, schema: Json): Json => ({
    name,
    in: 'header',
    description,
    schema,
  });
  const inHeader: Json[] = [];
  if (method === 'POST')
    inHeader.push(
      optional('Idempotency-Key', 'Makes the request safe to repeat for 24 hours.', {
        type: 'string',
        maxLength: 255,
      }),
    );
  if (method !== 'GET')
    inHeader.push(
      optional('If-Match', 'The ETag that was read; another present version is answered 412.', {
        type: 'string',
      }),
    );
  else
    inHeader.push(
      optional('If-None-Match', 'The ETag that is known; the same version is answered 304.', {
        type: 'string',
      }),
    );
  return [...inPath, ...inQuery, ...inHeader];
}

function operationOf(endpoint: Endpoint): Json {
  const answers = Object.entries(endpoint.answers).map(([status, answer]) => [
    status,
    answerOf(status, answer),
  ]);
  const mediaType = endpoint.change === 'merge-patch' ? 'application/merge-patch+json' : 'application/json';
  const bodySchema = endpoint.body;
  return {
    summary: endpoint.summary,
    tags: [endpoint.path.split('/')[1]],
    parameters: parametersOf(endpoint),
    ...(bodySchema === undefined
      ? {}
      : {
          requestBody: {
            required: !bodySchema.safeParse(undefined).success,
            content: {
              [mediaType]: {
                schema:
                  endpoint.change === 'merge-patch' ? mergeSchema(bodySchema) : schemaOf(bodySchema, 'input'),
              },
            },
          },
        }),
    responses: {
      ...Object.fromEntries(answers),
      '4XX': { description: 'A problem of the request.', content: problemContent },
      '5XX': {
        description: 'A problem of the service; `unavailable` is worth trying again.',
        content: problemContent,
      },
    },
  };
}

/** A merge patch may leave out every member, and removes one by null. */
function mergeSchema(schema: z.ZodType): Json {
  const {
    required: _required,
    properties,
    ...rest
  } = schemaOf(schema, 'input') as { required?: unknown; properties?: Record<string, Json> };
  const nullable = Object.entries(properties ?? {}).map(([member, content]) => [
    member,
    { anyOf: [content, { type: 'null' }] },
  ]);
  return { ...rest, properties: Object.fromEntries(nullable) };
}

/** The OpenAPI 3.1 document, made from the schemas that validate. */
export function openApiDocument(
  title: string,
  version: string,
  description: string,
  endpoints: readonly Endpoint[],
): Json {
  const paths: Record<string, Json> = {};
  for (const endpoint of endpoints) {
    const path = endpoint.path.replace(PATH_PARAMETER, '{$1}');
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operationOf(endpoint) };
  }
  return {
    openapi: '3.1.0',
    info: { title, version, description },
    servers: [{ url: '/' }],
    paths,
    components: { schemas: { Problem: PROBLEM } },
  };
}
