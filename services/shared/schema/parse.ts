import { z } from 'zod';
import { type InvalidPart, invalidRequest } from '../problem/problem.ts';

/** The JSON Pointer (RFC 6901) of a member, as a problem tells it. */
export const pointerTo = (path: readonly PropertyKey[]): string =>
  `#${path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')}`;

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
};

const items = (count: number | bigint): string => (Number(count) === 1 ? '1 item' : `${count} items`);

/** What is allowed, where the schema does not say it itself; never the value, which may be somebody's secret. */
const describe: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be one of: ${issue.values.map(String).join(', ')}`;
    case 'too_big':
      if (issue.origin === 'array') return `must have at most ${items(issue.maximum)}`;
      return `must be at most ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}`;
    case 'too_small':
      if (issue.origin === 'array') return `must have at least ${items(issue.minimum)}`;
      return `must be at least ${issue.minimum}${issue.origin === 'string' ? ' characters' : ''}`;
    default:
      return 'must have another form';
  }
};

type Place = (path: readonly PropertyKey[]) => { pointer: string } | { parameter: string };

function invalidParts(issues: readonly z.core.$ZodIssue[], place: Place): InvalidPart[] {
  return issues.flatMap((issue): InvalidPart[] => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ ...place([...issue.path, key]), detail: 'is not known here' }));
    const isAbsent = issue.input === undefined && /^invalid_(type|value|union)$/.test(issue.code);
    return [{ ...place(issue.path), detail: isAbsent ? 'is required' : issue.message }];
  });
}

/** Each part once. */
const distinct = (parts: readonly InvalidPart[]): InvalidPart[] => [
  ...new Map(parts.map((part) => [JSON.stringify(part), part])).values(),
];

const inBody: Place = (path) => ({ pointer: pointerTo(path) });
const inQuery: Place = ([parameter]) => ({ parameter: String(parameter) });
const OPTIONS = { reportInput: true, error: describe };

/** The members of a body that its schema does not know. */
export function unknownMembers(schema: z.ZodType, body: unknown): InvalidPart[] {
  const { error } = schema.safeParse(body, OPTIONS);
  return invalidParts(error?.issues.filter(({ code }) => code === 'unrecognized_keys') ?? [], inBody);
}

/**
 * The body as the schema says.
 * @param others what is known to be invalid already
 * @throws invalid-request, with every invalid member by JSON Pointer (RFC 6901)
 */
export function parseBody<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
  others: readonly InvalidPart[] = [],
): z.output<Schema> {
  const { success, data, error } = schema.safeParse(body, OPTIONS);
  if (success && others.length === 0) return data as z.output<Schema>;
  throw invalidRequest(distinct([...others, ...invalidParts(error?.issues ?? [], inBody)]));
}

const isRepeatable = (schema: unknown): boolean => {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return isRepeatable(schema.unwrap());
  return schema instanceof z.ZodArray;
};

/** Parameters that are not percent-encoded UTF-8: decoding would quietly make other characters of them. */
const undecodable = (query: string): InvalidPart[] =>
  query.split('&').flatMap((pair) => {
    try {
      decodeURIComponent(pair);
      return [];
    } catch {
      const parameter = [...new URLSearchParams(pair).keys()][0] ?? '';
      return [{ parameter, detail: 'must be percent-encoded UTF-8' }];
    }
  });

/**
 * The query string as the schema says; a parameter whose schema is an array may be repeated, any other may not.
 * @throws invalid-request, with every invalid parameter by name
 */
export function parseQuery<Schema extends z.ZodObject>(schema: Schema, query: string): z.output<Schema> {
  const others = undecodable(query);
  const given: [string, string | string[] | undefined][] = [];
  const parameters = new URLSearchParams(query);
  for (const parameter of new Set(parameters.keys())) {
    const values = parameters.getAll(parameter);
    const known = Object.hasOwn(schema.shape, parameter) ? schema.shape[parameter] : undefined;
    const repeatable = isRepeatable(known);
    given.push([parameter, repeatable ? values : values[0]]);
    if (values.length > 1 && known !== undefined && !repeatable)
      others.push({ parameter, detail: 'must not be repeated' });
  }
  const { success, data, error } = schema.safeParse(Object.fromEntries(given), OPTIONS);
  if (success && others.length === 0) return data as z.output<Schema>;
  throw invalidRequest(distinct([...others, ...invalidParts(error?.issues ?? [], inQuery)]));
}
