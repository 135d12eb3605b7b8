import { anyone } from '../caller/caller.ts';
import { readKey } from './key.ts';

const read = (header: string | undefined, body: unknown = {}, method = 'POST', path = '/things') =>
  readKey(header, anyone, method, path, body);
const fingerprint = (body: unknown, method?: string, path?: string) =>
  read('k', body, method, path)?.fingerprint;

test('without the header there is no key', () => expect(read(undefined)).toBeUndefined());

test('quoted and bare are the same key', () => {
  expect(read('"8e03978e-40d5"')?.key).toBe('8e03978e-40d5');
  expect(read(' 8e03978e-40d5 ')?.key).toBe('8e03978e-40d5');
  expect(read('"a\\"b\\\\c"')?.key).toBe('a"b\\c');
});

test('255 characters are a key, 256 are none', () => {
  expect(read('k'.repeat(255))?.key).toHaveLength(255);
  expect(read(`"${'k'.repeat(255)}"`)?.key).toHaveLength(255);
  for (const header of ['k'.repeat(256), `"${'k'.repeat(256)}"`, '', '""', '  ', 'ä', 'a\tb'])
    expect(() => read(header)).toThrow(
      expect.objectContaining({
        type: 'invalid-request',
        extra: {
          errors: [{ header: 'Idempotency-Key', detail: 'must have 1 to 255 printable ASCII characters' }],
        },
      }),
    );
});

test('the same JSON by value is the same request', () => {
  expect(fingerprint({ a: 1, b: { c: [1, 'x'], d: null } })).toBe(
    fingerprint({ b: { d: null, c: [1, 'x'] }, a: 1.0 }),
  );
  expect(fingerprint(JSON.parse('{"a":"\\u00e4"}'))).toBe(fingerprint({ a: 'ä' }));
});

test('another value, order of items, method or path is another request', () => {
  const all = [
    fingerprint({ a: [1, 2] }),
    fingerprint({ a: [2, 1] }),
    fingerprint({ a: ['1', 2] }),
    fingerprint({ a: [1, 2], b: null }),
    fingerprint({ a: { 0: 1, 1: 2 } }),
    readKey('k', anyone, 'POST', '/things', undefined)?.fingerprint,
    fingerprint({}),
    fingerprint(JSON.parse('{"__proto__":{}}')),
    fingerprint({}, 'PUT'),
    fingerprint({}, 'POST', '/things/1'),
  ];
  expect(new Set(all).size).toBe(all.length);
});

test('a fingerprint tells nothing', () => expect(fingerprint({ name: 'Ada' })).toMatch(/^[0-9a-f]{64}$/));
