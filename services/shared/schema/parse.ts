import { z } from 'zod';
import { type InvalidPart, invalidRequest } from '../problem/problem.ts';

const pointer = (path: readonly PropertyKey[]): string =>
  `#${path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')}`;

const article = (kind: string): string => (/^[aeiou]/.test(kind) ? `an ${kind}` : `a ${kind}`);

/** What is wrong, without the value: a detail must not repeat a patient's data. */
function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    return issue.input === undefined
      ? 'is required'
      : `must be ${article(issue.expected === 'int' ? 'whole number' : issue.expected)}`;
  }
  if (issue.code === 'invalid_value')
    return issue.input === undefined
      ? 'is required'
      : `must be one of: ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'too_big' && issue.origin === 'array') return `must have at most ${issue.maximum} items`;
  if (issue.code === 'too_small' && issue.origin === 'array')
    return `must have at least ${issue.minimum} item${issue.minimum === 1 ? '' : 's'}`;
  return issue.message;
}

function invalidParts(
  error: z.core.$ZodError,
  place: (path: readonly PropertyKey[]) => { pointer: string } | { parameter: string },
): InvalidPart[] {
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ ...place([...issue.path, key]), detail: 'is not known here' }))
      : [{ ...place(issue.path), detail: describe(issue) }],
  );
}

/**
 * The body as the schema says.
 * @throws invalid-request, with every invalid member by JSON Pointer (RFC 6901)
 */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body, { reportInput: true });
  if (result.success) return result.data;
  throw invalidRequest(invalidParts(result.error, (path) => ({ pointer: pointer(path) })));
}

const isRepeatable = (schema: unknown): boolean => {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return isRepeatable(schema.unwrap());
  return schema instanceof z.ZodArray;
};

/**
 * The query string as the schema says; a parameter whose schema is an array may be repeated, any other may not.
 * @throws invalid-request, with every invalid parameter by name
 */
export function parseQuery<Schema extends z.ZodObject>(schema: Schema, query: string): z.output<Schema> {
  const given: Record<string, string | string[]> = Object.create(null);
  const repeated: InvalidPart[] = [];
  const parameters = new URLSearchParams(query);
  for (const parameter of new Set(parameters.keys())) {
    const values = parameters.getAll(parameter);
    if (isRepeatable(schema.shape[parameter])) given[parameter] = values;
    else given[parameter] = values[0] ?? '';
    if (values.length > 1 && parameter in schema.shape && !isRepeatable(schema.shape[parameter])) {
      repeated.push({ parameter, detail: 'must not be repeated' });
    }
  }
  const result = schema.safeParse({ ...given }, { reportInput: true });
  const errors = result.success
    ? []
    : invalidParts(result.error, ([parameter]) => ({ parameter: String(parameter) }));
  if (repeated.length > 0 || !result.success) throw invalidRequest([...repeated, ...errors]);
  return result.data;
}
