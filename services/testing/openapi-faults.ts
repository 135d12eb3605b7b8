type Json = Readonly<Record<string, unknown>>;

const METHODS = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']);
const TYPES = new Set(['string', 'integer', 'number', 'boolean', 'array', 'object', 'null']);
const PLACES = new Set(['path', 'query', 'header', 'cookie']);

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const entriesOf = (value: unknown): [string, Json][] =>
  isObject(value) ? Object.entries(value).filter((entry): entry is [string, Json] => isObject(entry[1])) : [];

/** What a JSON Pointer finds in a document (RFC 6901). */
const resolve = (document: unknown, reference: string): unknown =>
  reference
    .split('/')
    .slice(1)
    .reduce<unknown>((value, step) => (isObject(value) ? value[step] : undefined), document);

/** What is wrong with a schema (JSON Schema 2020-12), as far as ours go. */
function schemaFaults(document: unknown, schema: unknown, where: string): string[] {
  if (!isObject(schema)) return [`${where} is no schema`];
  const faults: string[] = [];
  const { type, properties, required, items, pattern, $ref, $schema } = schema;
  const inner = (part: unknown, name: string) => schemaFaults(document, part, `${where}/${name}`);
  if (Object.keys(schema).length === 0) faults.push(`${where} says nothing`);
  if ($schema !== undefined) faults.push(`${where} names a dialect`);
  if ($ref !== undefined && resolve(document, String($ref)) === undefined)
    faults.push(`${where} refers to ${$ref}, which is not there`);
  for (const each of type === undefined ? [] : [type].flat())
    if (!TYPES.has(String(each))) faults.push(`${where} has the type ${each}`);
  if (type === 'array' && items === undefined) faults.push(`${where} has no items`);
  if (pattern !== undefined) new RegExp(String(pattern), 'u');
  for (const name of Array.isArray(required) ? required : [])
    if (!isObject(properties) || properties[name] === undefined)
      faults.push(`${where} requires ${name}, which it has not`);
  for (const [name, part] of Object.entries(isObject(properties) ? properties : {}))
    faults.push(...inner(part, name));
  if (items !== undefined) faults.push(...inner(items, 'items'));
  for (const word of ['anyOf', 'oneOf', 'allOf'] as const) {
    const parts = schema[word];
    if (Array.isArray(parts)) faults.push(...parts.flatMap((part, index) => inner(part, `${word}/${index}`)));
  }
  return faults;
}

function contentFaults(document: unknown, content: unknown, where: string): string[] {
  return entriesOf(content).flatMap(([type, { schema }]) => [
    ...(/^[a-z]+\/[a-z0-9.+-]+$/.test(type) ? [] : [`${where} has the media type ${type}`]),
    ...schemaFaults(document, schema, `${where} ${type}`),
  ]);
}

function parameterFaults(
  document: unknown,
  path: string,
  parameters: readonly Json[],
  where: string,
): string[] {
  const faults: string[] = [];
  const names = parameters.map(({ name, in: place }) => `${place} ${name}`);
  if (new Set(names).size < names.length) faults.push(`${where} has a parameter twice`);
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const declared = parameters.filter((each) => each.in === 'path').map(({ name }) => name);
  if (inPath.join() !== declared.join()) faults.push(`${where} declares ${declared} for ${inPath}`);
  for (const { name, in: place, required, schema } of parameters) {
    if (!PLACES.has(String(place))) faults.push(`${where} has a parameter in ${place}`);
    if (place === 'path' && required !== true) faults.push(`${where} does not require ${name}`);
    faults.push(...schemaFaults(document, schema, `${where} ${name}`));
  }
  return faults;
}

function operationFaults(document: unknown, path: string, method: string, operation: Json): string[] {
  const where = `${method} ${path}`;
  const { parameters = [], requestBody, responses, summary } = operation;
  const faults = parameterFaults(document, path, parameters as Json[], where);
  if (!METHODS.has(method)) faults.push(`${where} is no method`);
  if (typeof summary !== 'string' || summary === '') faults.push(`${where} has no summary`);
  if (isObject(requestBody)) {
    if (['get', 'delete', 'head'].includes(method)) faults.push(`${where} has a body`);
    faults.push(...contentFaults(document, requestBody.content, where));
  }
  if (!Object.keys(responses ?? {}).some((status) => /^[23]/.test(status)))
    faults.push(`${where} never succeeds`);
  for (const [status, { description, content }] of entriesOf(responses)) {
    if (!/^[1-5](\d\d|XX)$/.test(status)) faults.push(`${where} answers ${status}`);
    if (typeof description !== 'string' || description === '') faults.push(`${where} ${status} says nothing`);
    if (/^(204|304)$/.test(status) && content !== undefined) faults.push(`${where} ${status} has a body`);
    faults.push(...contentFaults(document, content, `${where} ${status}`));
  }
  return faults;
}

/** What keeps a document from being OpenAPI 3.1, or a reader from understanding it. */
export function openApiFaults(document: unknown): string[] {
  if (!isObject(document)) return ['no object'];
  const { openapi, info, paths, components } = document;
  const faults: string[] = [];
  if (!/^3\.1\.\d+$/.test(String(openapi))) faults.push(`openapi is ${openapi}`);
  if (!isObject(info) || typeof info.title !== 'string' || typeof info.version !== 'string')
    faults.push('info lacks title or version');
  const ids: unknown[] = [];
  for (const [path, item] of entriesOf(paths)) {
    if (!path.startsWith('/')) faults.push(`${path} is no path`);
    for (const [method, operation] of entriesOf(item)) {
      ids.push(operation.operationId);
      faults.push(...operationFaults(document, path, method, operation));
    }
  }
  if (new Set(ids).size < ids.length) faults.push('an operationId is there twice');
  for (const [name, schema] of entriesOf(isObject(components) ? components.schemas : {}))
    faults.push(...schemaFaults(document, schema, name));
  return faults;
}
