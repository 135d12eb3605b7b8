import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import type { AnswerDescription, Endpoint } from '../http/endpoint.ts';

type Json = Record<string, unknown>;

/** A text that a schema changes on the way in, such as an instant to UTC, has the same form on the way out. */
function describeTransformed({
  zodSchema,
  jsonSchema,
}: {
  zodSchema: z.core.$ZodTypes;
  jsonSchema: Json;
}): void {
  const { def } = zodSchema._zod;
  if (def.type !== 'pipe' || def.out._zod.def.type !== 'transform') return;
  const { $schema: _dialect, ...before } = z.toJSONSchema(def.in, { io: 'input', unrepresentable: 'any' });
  Object.assign(jsonSchema, before);
}

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: describeTransformed,
  });
  return json;
};

/** In a URL everything is text; what a schema makes of it tells more where that is a number or a truth value. */
function parameterSchema(schema: z.ZodType): Json {
  const made = schemaOf(schema, 'output');
  return /^(integer|number|boolean)$/.test(String(made.type)) ? made : schemaOf(schema, 'input');
}

/** Resources that have a version have an ETag. */
const isVersioned = (answer: AnswerDescription | undefined): boolean =>
  answer instanceof z.ZodObject && Object.hasOwn(answer.shape, 'version');

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

const HEADERS: Readonly<Record<string, Json>> = {
  ETag: { description: 'The version, for If-Match and If-None-Match.', schema: { type: 'string' } },
  Location: {
    description: 'Where the new resource is.',
    schema: { type: 'string', format: 'uri-reference' },
  },
  'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } },
};

function headersOf(status: string, answer: AnswerDescription): Json {
  const names = [
    ...(isVersioned(answer) ? ['ETag'] : []),
    ...(status === '201' || status === '202' ? ['Location'] : []),
    ...(status === '202' ? ['Retry-After'] : []),
  ];
  return names.length === 0
    ? {}
    : { headers: Object.fromEntries(names.map((name) => [name, HEADERS[name]])) };
}

function answerOf(status: string, answer: AnswerDescription): Json {
  if (typeof answer === 'string') return { description: answer };
  if (Array.isArray(answer))
    return { description: answer.map((word) => `\`${word}\``).join(', '), content: problemContent };
  const schema = answer as z.ZodType;
  return {
    description: schema.description ?? STATUS_CODES[status] ?? status,
    ...headersOf(status, schema),
    content: { 'application/json': { schema: schemaOf(schema, 'output') } },
  };
}

const PATH_PARAMETER = /:([A-Za-z]+)/g;

const pathParameters = ({ path, params = {} }: Endpoint): Json[] =>
  [...path.matchAll(PATH_PARAMETER)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema:
      params[name] === undefined
        ? { type: 'string', format: 'uuid' }
        : { type: 'string', pattern: params[name].source },
  }));

const queryParameters = ({ query }: Endpoint): Json[] =>
  Object.entries((query?.shape ?? {}) as Record<string, z.ZodType>).map(([name, schema]) => {
    const { description, ...rest } = parameterSchema(schema);
    return {
      name,
      in: 'query',
      required: !schema.safeParse(undefined).success,
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });

const headerParameter = (name: string, description: string, schema: Json = { type: 'string' }): Json => ({
  name,
  in: 'header',
  description,
  schema,
});

const headerParameters = ({ method, answers }: Endpoint): Json[] => [
  ...(method === 'POST'
    ? [
        headerParameter('Idempotency-Key', 'Makes the request safe to repeat for 24 hours.', {
          type: 'string',
          minLength: 1,
          maxLength: 255,
          pattern: '^[ -~]+$',
        }),
      ]
    : []),
  ...(answers[412] === undefined
    ? []
    : [headerParameter('If-Match', 'The ETag that was read; another present version is answered 412.')]),
  ...(method === 'GET' && isVersioned(answers[200])
    ? [headerParameter('If-None-Match', 'The ETag that is known; the same version is answered 304.')]
    : []),
];

function requestBodyOf({ body, change }: Endpoint): Json {
  if (body === undefined) return {};
  const schema = change === 'merge-patch' ? mergeSchema(schemaOf(body, 'input')) : schemaOf(body, 'input');
  const mediaTypes =
    change === 'merge-patch' ? ['application/merge-patch+json', 'application/json'] : ['application/json'];
  return {
    requestBody: {
      required: change !== undefined || !body.safeParse(undefined).success,
      content: Object.fromEntries(mediaTypes.map((type) => [type, { schema }])),
    },
  };
}

/** A merge patch may leave out every member, and removes one by null (RFC 7396). */
function mergeSchema({ required: _required, properties, ...rest }: Json): Json {
  if (properties === undefined) return rest;
  const nullable = Object.entries(properties as Record<string, Json>).map(([member, content]) => [
    member,
    { anyOf: [mergeSchema(content), { type: 'null' }] },
  ]);
  return { ...rest, properties: Object.fromEntries(nullable) };
}

/** Such as `postThingsIdRestore`: the method, and the path in camelCase. */
const operationId = ({ method, path }: Endpoint): string =>
  method.toLowerCase() +
  path.replace(/[^A-Za-z]+([A-Za-z]?)/g, (_separator, letter: string) => letter.toUpperCase());

const REACH = { all: '', own: ' (own)', self: ' (own)' } as const;

/** Who may call, in words. */
const rolesOf = ({ access }: Endpoint): string =>
  `Roles: ${Object.entries(access)
    .map(([role, reach]) => `${role}${REACH[reach]}`)
    .join(', ')}.`;

function operationOf(endpoint: Endpoint): Json {
  const { method, path, summary, answers } = endpoint;
  const described = Object.entries(answers).map(([status, answer]) => [status, answerOf(status, answer)]);
  return {
    operationId: operationId(endpoint),
    summary,
    description: rolesOf(endpoint),
    tags: [path.split('/')[1]],
    parameters: [...pathParameters(endpoint), ...queryParameters(endpoint), ...headerParameters(endpoint)],
    ...requestBodyOf(endpoint),
    responses: {
      ...(method === 'GET' && isVersioned(answers[200]) ? { 304: { description: 'Not modified' } } : {}),
      ...Object.fromEntries(described),
      '4XX': { description: 'A problem of the request.', content: problemContent },
      '5XX': {
        description: 'A problem of the service; `unavailable` is worth trying again.',
        content: problemContent,
      },
    },
  };
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
    // Under AUTH=off nobody asks for a token.
    security: [{ bearer: [] }, {}],
    components: {
      schemas: { Problem: PROBLEM },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  };
}
