import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createIssuer, type TestIssuer } from '../../testing/tokens.ts';
import { readIssuers } from './issuers.ts';

const ROLES = ['reader', 'writer'];

let folder: string;
let issuer: TestIssuer;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'auth-'));
  issuer = await createIssuer();
});
afterAll(() => rmSync(folder, { recursive: true }));

const fileWith = (content: unknown): string => {
  const file = path.join(folder, 'issuers.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};

describe('AUTH_ISSUERS_FILE', () => {
  const message = (content: unknown): string => {
    try {
      readIssuers(fileWith(content), ROLES);
      return 'accepted';
    } catch (error) {
      return (error as Error).message;
    }
  };
  test.each<[string, () => unknown, RegExp]>([
    ['that is not JSON', () => '[', /^AUTH_ISSUERS_FILE names a file that is not JSON$/],
    ['without an issuer', () => [], /AUTH_ISSUERS_FILE: \//],
    ['with a symmetric algorithm', () => [{ ...issuer.entry, algorithms: ['HS256'] }], /\/0\/algorithms\/0/],
    [
      'with a secret as a key',
      () => [{ ...issuer.entry, jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }],
      /\/0\/jwks\/keys\/0\/kty/,
    ],
    [
      'with keys and a place for keys',
      () => [{ ...issuer.entry, jwksUri: 'https://x.example' }],
      /either jwksUri or jwks/,
    ],
    ['with a role that is not known', () => [{ ...issuer.entry, roles: { a: 'root' } }], /\/0\/roles\/a/],
    ['with a misspelt member', () => [{ ...issuer.entry, audiense: 'x' }], /audiense/],
    ['with an issuer that no row could name', () => [{ ...issuer.entry, issuer: 'a\0b' }], /\/0\/issuer/],
    ['with one issuer twice', () => [issuer.entry, issuer.entry], /twice/],
  ])('is refused in one line %s', (_what, content, expected) => {
    expect(message(content())).toMatch(expected);
    expect(message(content())).not.toContain('\n');
  });

  test('is refused when it cannot be read', () => {
    expect(() => readIssuers(path.join(folder, 'none'), [])).toThrow(
      'AUTH_ISSUERS_FILE names a file that cannot be read: ENOENT',
    );
  });
});
