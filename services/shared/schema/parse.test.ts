import { z } from 'zod';
import { Problem } from '../problem/problem.ts';
import { parseBody, parseQuery } from './parse.ts';
import { instant, languageTag, localDate, name, phone, text, timeZone, uuid, wholeNumber } from './schema.ts';

/** The problem that `read` throws, as it is sent. */
function refusal(read: () => unknown): { status: number; type: string; errors: unknown } {
  try {
    read();
  } catch (error) {
    if (error instanceof Problem)
      return { status: error.status, type: error.type, errors: error.extra.errors };
    throw error;
  }
  throw new Error('was accepted');
}

const body = z.strictObject({
  count: wholeNumber(1, 3),
  kind: z.enum(['a', 'b']).optional(),
  tags: z.array(name).min(1).max(2).optional(),
  nested: z.strictObject({ 'x/y~z': z.string() }).optional(),
  flag: z.boolean().optional(),
});

/** As JSON.parse makes it: `__proto__` is a member like any other. */
const refusedBody = (json: string) => refusal(() => parseBody(body, JSON.parse(json)));

describe('a body', () => {
  test('is returned as the schema makes it', () => {
    expect(parseBody(body, { count: 2, tags: [' x '] })).toEqual({ count: 2, tags: ['x'] });
  });

  test('422 invalid-request with every invalid member by JSON Pointer', () => {
    expect(refusedBody('{"count":9,"kind":"c","tags":["ok",""],"nested":{"x/y~z":1},"flag":"true"}')).toEqual(
      {
        status: 422,
        type: 'invalid-request',
        errors: [
          { pointer: '#/count', detail: 'must be a whole number from 1 to 3' },
          { pointer: '#/kind', detail: 'must be one of: a, b' },
          { pointer: '#/tags/1', detail: 'must not be empty' },
          { pointer: '#/nested/x~1y~0z', detail: 'must be a string' },
          { pointer: '#/flag', detail: 'must be true or false' },
        ],
      },
    );
  });

  test('items are named by their index', () => {
    expect(refusedBody('{"count":1,"tags":["","b"]}').errors).toEqual([
      { pointer: '#/tags/0', detail: 'must not be empty' },
    ]);
    expect(refusedBody('{"count":1,"tags":[]}').errors).toEqual([
      { pointer: '#/tags', detail: 'must have at least 1 item' },
    ]);
    expect(refusedBody('{"count":1,"tags":["a","b","c"]}').errors).toEqual([
      { pointer: '#/tags', detail: 'must have at most 2 items' },
    ]);
  });

  test('unknown members are named, nested ones and those of Object.prototype too', () => {
    expect(
      refusedBody(
        '{"count":1,"cuont":2,"__proto__":{"admin":true},"constructor":1,"nested":{"x/y~z":"","~/":1,"__proto__":1}}',
      ).errors,
    ).toEqual([
      { pointer: '#/nested/~0~1', detail: 'is not known here' },
      { pointer: '#/nested/__proto__', detail: 'is not known here' },
      { pointer: '#/cuont', detail: 'is not known here' },
      { pointer: '#/__proto__', detail: 'is not known here' },
      { pointer: '#/constructor', detail: 'is not known here' },
    ]);
    expect(Object.prototype).not.toHaveProperty('admin');
  });

  test('a missing member is required, a null is of the wrong type', () => {
    expect(refusedBody('{}').errors).toEqual([{ pointer: '#/count', detail: 'is required' }]);
    expect(refusedBody('{"count":1,"nested":{}}').errors).toEqual([
      { pointer: '#/nested/x~1y~0z', detail: 'is required' },
    ]);
    expect(refusedBody('{"count":null,"tags":null,"kind":null,"nested":null}').errors).toEqual([
      { pointer: '#/count', detail: 'must be a whole number from 1 to 3' },
      { pointer: '#/kind', detail: 'must be one of: a, b' },
      { pointer: '#/tags', detail: 'must be an array' },
      { pointer: '#/nested', detail: 'must be an object' },
    ]);
  });

  test('no body at all is required, another kind of JSON is no object', () => {
    expect(refusal(() => parseBody(body, undefined)).errors).toEqual([
      { pointer: '#', detail: 'is required' },
    ]);
    for (const json of ['null', '[]', '"x"', '3', 'true'])
      expect(refusedBody(json).errors).toEqual([{ pointer: '#', detail: 'must be an object' }]);
  });

  test('the same words about the same member come once', () => {
    expect(refusedBody(`{"count":${2 ** 60}}`).errors).toEqual([
      { pointer: '#/count', detail: 'must be a whole number from 1 to 3' },
    ]);
  });

  test('no detail repeats the value or speaks the library’s language', () => {
    const everything = z.strictObject({
      text: text(5),
      phone,
      zone: timeZone,
      language: languageTag,
      date: localDate,
      at: instant,
      id: uuid,
      count: wholeNumber(1, 3),
      kind: z.enum(['a', 'b']),
      either: z.union([z.literal('x'), z.strictObject({})]),
      short: z.string().max(3),
      long: z.string().min(300),
      pattern: z.string().regex(/^y$/),
      few: z.number().max(3),
      many: z.number().min(10 ** 9),
      mail: z.email(),
    });
    for (const value of ['Zebra Quagga', 7_777_777, ['Zebra Quagga'], { Zebra: 'Quagga' }, true, null]) {
      const sent = Object.fromEntries(Object.keys(everything.shape).map((member) => [member, value]));
      const { errors } = refusal(() => parseBody(everything, sent));
      const details = (errors as { pointer: string; detail: string }[])
        .filter(({ detail }) => detail !== 'is not known here')
        .map(({ detail }) => detail);
      expect(details.length).toBeGreaterThan(10);
      for (const detail of details) {
        expect(detail).not.toMatch(/Zebra|Quagga|7777777|invalid|expected|received/i);
        expect(detail).toMatch(/^must /);
      }
    }
  });
});

describe('a query', () => {
  const query = z.strictObject({
    from: instant,
    status: z.array(z.enum(['a', 'b'])).optional(),
    limit: z.string().regex(/^\d+$/, 'must be a number').transform(Number).default(50),
  });
  const refused = (text: string) => refusal(() => parseQuery(query, text)).errors;

  test('is returned as the schema makes it', () => {
    expect(parseQuery(query, 'from=2026-03-02T10:30:00%2B01:00&status=a&status=b')).toEqual({
      from: '2026-03-02T09:30:00.000Z',
      status: ['a', 'b'],
      limit: 50,
    });
    expect(parseQuery(query, 'from=2026-03-02T09%3A30%3A00Z&status=a')).toMatchObject({ status: ['a'] });
  });

  test('422 with every invalid parameter by name', () => {
    expect(refused('limit=x&status=c')).toEqual([
      { parameter: 'from', detail: 'is required' },
      { parameter: 'status', detail: 'must be one of: a, b' },
      { parameter: 'limit', detail: 'must be a number' },
    ]);
  });

  test('422 for unknown parameters, whatever their names', () => {
    const from = 'from=2026-03-02T09:30:00Z';
    for (const name of ['form', '__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])
      expect(refused(`${from}&${name}=1&${name}=2`)).toEqual([
        { parameter: name, detail: 'is not known here' },
      ]);
  });

  test('422 for a repeated parameter, unless it may be repeated', () => {
    const now = '2026-03-02T09:30:00Z';
    expect(refused(`from=${now}&from=${now}`)).toEqual([
      { parameter: 'from', detail: 'must not be repeated' },
    ]);
    expect(refused(`from=${now}&limit=1&limit=1`)).toEqual([
      { parameter: 'limit', detail: 'must not be repeated' },
    ]);
  });

  test('422 for what is no percent-encoded UTF-8', () => {
    const now = '2026-03-02T09:30:00Z';
    for (const value of ['%', '%zz', '%E0%A4%A', '%ff', '%C3%28'])
      expect(refused(`from=${now}&limit=${value}`)).toContainEqual({
        parameter: 'limit',
        detail: 'must be percent-encoded UTF-8',
      });
    expect(JSON.stringify(refused(`from=${now}&%ff=1`))).toContain('must be percent-encoded UTF-8');
  });

  test('tells of the + that a query turns into a blank', () => {
    expect(JSON.stringify(refused('from=2026-03-02T09:30:00+01:00'))).toContain('%2B');
  });
});
