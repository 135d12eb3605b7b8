import { type Access, type Endpoint, endpoint, requireDeclarations } from './endpoint.ts';

const ROLES = { reader: {}, owner: { ownIdClaim: 'owner_id' } };

const fault = (access: unknown, path = '/things/:id'): string => {
  const declared = { ...made, path, access: access as Access } as Endpoint;
  try {
    requireDeclarations([declared], ROLES);
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
};
const made = endpoint({
  method: 'GET',
  path: '/things/:id',
  summary: 'Read',
  access: {},
  audit: 'read',
  answers: {},
  handle: async () => ({ status: 204, headers: {} }),
});

test.each<[string, unknown, string]>([
  ['is not there', undefined, 'GET /things/:id does not declare who may call it'],
  ['names nobody', {}, 'GET /things/:id does not declare who may call it'],
  [
    'names a role that nobody has',
    { raeder: 'all' },
    'GET /things/:id declares the role raeder, which nobody has',
  ],
  [
    'names what every object has',
    { constructor: 'all' },
    'GET /things/:id declares the role constructor, which nobody has',
  ],
  [
    'limits a role without a record',
    { reader: 'own' },
    'GET /things/:id limits the role reader, which has no record of its own',
  ],
  ['is good', { reader: 'all', owner: 'self' }, 'none'],
])('a declaration that %s', (_what, access, expected) => {
  expect(fault(access)).toBe(expected);
});

test('a declaration that compares an id that the path does not have', () => {
  expect(fault({ owner: 'self' }, '/things')).toBe(
    'GET /things limits the role owner to itself, and has no :id to compare',
  );
});

test.each<[string, object, string]>([
  [
    'does not say what it leaves in the audit trail',
    { audit: undefined },
    'GET /things/:id does not declare what it leaves in the audit trail',
  ],
  [
    'names a parameter that the path does not have',
    { about: 'thingId' },
    'GET /things/:id declares that its events are about :thingId, and has no such parameter',
  ],
])('an endpoint that %s stops the start', (_what, more, message) => {
  const declared = { ...made, access: { reader: 'all' }, ...more } as unknown as Endpoint;
  expect(() => requireDeclarations([declared], ROLES)).toThrow(message);
});
