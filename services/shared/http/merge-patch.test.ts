import { z } from 'zod';
import { Problem } from '../problem/problem.ts';
import { name, wholeNumber } from '../schema/schema.ts';
import { mergePatch, patched, replaced } from './merge-patch.ts';

describe('RFC 7396, appendix A', () => {
  test.each([
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', 'null', 'null'],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ])('%s with %s is %s', (target, patch, result) => {
    const before = JSON.parse(target);
    expect(mergePatch(before, JSON.parse(patch))).toEqual(JSON.parse(result));
    expect(before).toEqual(JSON.parse(target));
  });
});

test('__proto__ is a member like any other', () => {
  const merged = mergePatch({}, JSON.parse('{"__proto__":{"admin":true}}'));
  expect(JSON.stringify(merged)).toBe('{"__proto__":{"admin":true}}');
  expect(({} as { admin?: boolean }).admin).toBeUndefined();
});

const schema = z.strictObject({
  name,
  size: wholeNumber(1, 9).optional(),
  address: z.strictObject({ city: name.optional(), lines: z.array(name).optional() }).optional(),
});
const serverMade = ['id', 'version', 'createdAt', 'derived'];
const current = {
  id: 'x',
  name: 'Old',
  size: 3,
  address: { city: 'Here', lines: ['1'] },
  derived: { of: ['size'] },
  version: 4,
  createdAt: '2026-01-01T00:00:00.000Z',
};

const patch = (body: unknown) => patched({ schema, current, body, serverMade });
const put = (body: unknown) => replaced({ schema, current, body, serverMade });
const refusal = (change: () => unknown): unknown => {
  try {
    return change();
  } catch (error) {
    return error instanceof Problem ? [error.status, error.extra.errors ?? error.type] : error;
  }
};

describe('PATCH', () => {
  test('changes what it names, removes by null, and keeps the rest', () => {
    expect(patch({ name: ' New ', size: null, address: { city: null } })).toEqual({
      name: 'New',
      address: { lines: ['1'] },
    });
    expect(patch({})).toEqual({ name: 'Old', size: 3, address: { city: 'Here', lines: ['1'] } });
  });

  test('422 when what must be there is removed', () => {
    expect(refusal(() => patch({ name: null }))).toEqual([
      422,
      [{ pointer: '#/name', detail: 'is required' }],
    ]);
  });

  test('422 for unknown members by name, removed ones and nested ones too', () => {
    expect(refusal(() => patch({ nmae: null, siez: 3, address: { ctiy: null, zip: '1' } }))).toEqual([
      422,
      [
        { pointer: '#/address/ctiy', detail: 'is not known here' },
        { pointer: '#/address/zip', detail: 'is not known here' },
        { pointer: '#/nmae', detail: 'is not known here' },
        { pointer: '#/siez', detail: 'is not known here' },
      ],
    ]);
    expect(refusal(() => patch(JSON.parse('{"__proto__":null}')))).toEqual([
      422,
      [{ pointer: '#/__proto__', detail: 'is not known here' }],
    ]);
  });

  test('422 for a patch that is no object', () => {
    for (const body of [null, [], 'x', 3, true])
      expect(refusal(() => patch(body))).toEqual([422, [{ pointer: '#', detail: 'must be an object' }]]);
  });
});

describe.each([
  ['PUT', put, { name: 'Old' }],
  ['PATCH', patch, {}],
] as const)('%s', (_method, change, least) => {
  test('takes what the server made as it was read, in any order of members', () => {
    const { id, version, createdAt, derived } = current;
    expect(change({ ...least, createdAt, derived, version, id })).toMatchObject({ name: 'Old' });
  });

  test('412 when the version in the body is another', () => {
    expect(refusal(() => change({ ...least, version: 3 }))).toEqual([412, 'version-mismatch']);
    expect(refusal(() => change({ ...least, version: 3, nonsense: 1 }))).toEqual([412, 'version-mismatch']);
  });

  test('422 with all that differs and all that is invalid', () => {
    const differs = 'is made by the server; leave it out or send it as it was read';
    expect(
      refusal(() => change({ ...least, id: 'y', version: '4', derived: null, size: 99, nonsense: 1 })),
    ).toEqual([
      422,
      expect.arrayContaining([
        { pointer: '#/id', detail: differs },
        { pointer: '#/version', detail: differs },
        { pointer: '#/derived', detail: differs },
        { pointer: '#/size', detail: 'must be a whole number from 1 to 9' },
        { pointer: '#/nonsense', detail: 'is not known here' },
      ]),
    ]);
  });
});

test('PUT replaces: what is not sent is gone', () => {
  expect(put({ name: 'New' })).toEqual({ name: 'New' });
  expect(refusal(() => put({ size: 1 }))).toEqual([422, [{ pointer: '#/name', detail: 'is required' }]]);
});
