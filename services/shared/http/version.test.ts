import { etagOf, isUnchanged, requireVersion } from './version.ts';

test('the ETag of a version is strong', () => expect(etagOf(7)).toBe('"7"'));

test.each([
  [undefined, true],
  ['"7"', true],
  ['*', true],
  [' "6" , "7" ', true],
  ['"6"', false],
  ['', false],
  ['7', false],
  // If-Match compares strongly (RFC 9110 §13.1.1): a weak tag never matches.
  ['W/"7"', false],
  ['"77"', false],
])('If-Match %s lets version 7 pass: %s', (header, passes) => {
  const check = () => requireVersion(header, 7);
  if (passes) expect(check).not.toThrow();
  else expect(check).toThrow(expect.objectContaining({ status: 412, type: 'version-mismatch' }));
});

test.each([
  [undefined, false],
  ['"7"', true],
  ['W/"7"', true],
  ['"5", W/"7"', true],
  ['*', true],
  ['"8"', false],
  ['7', false],
  ['', false],
])('If-None-Match %s finds version 7 unchanged: %s', (header, unchanged) => {
  expect(isUnchanged(header, '"7"')).toBe(unchanged);
});

test('an answer without an ETag has always changed', () => expect(isUnchanged('*', undefined)).toBe(false));
