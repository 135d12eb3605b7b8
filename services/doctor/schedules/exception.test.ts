import { exceptionBody } from './exception.ts';

const leave = { kind: 'closed', from: '2026-03-02T00:00', to: '2026-03-09T00:00' };

describe('the body of an exception', () => {
  test('has a kind and a stretch of wall-clock time', () => {
    expect(exceptionBody.parse(leave)).toEqual({ ...leave, keepReservations: false });
    const full = { ...leave, kind: 'open', reason: 'Flu season', keepReservations: true };
    expect(exceptionBody.parse(full)).toEqual(full);
  });

  test.each([
    ['without a kind', { kind: undefined }, ['kind']],
    ['of an unknown kind', { kind: 'busy' }, ['kind']],
    ['that ends when it begins', { to: leave.from }, ['to']],
    ['at a time with an offset', { from: '2026-03-02T00:00Z' }, ['from']],
    ['on a day that does not exist', { to: '2026-02-30T00:00' }, ['to']],
    ['with seconds', { from: '2026-03-02T00:00:00' }, ['from']],
    ['until 24:00, which is 00:00 of the next day', { to: '2026-03-08T24:00' }, ['to']],
    ['with a reason of more than 2,000 characters', { reason: 'a'.repeat(2_001) }, ['reason']],
    ['with all of that', { kind: 'busy', to: leave.from, reason: '' }, ['kind', 'reason', 'to']],
  ])('is refused %s', (_name, members, expected) => {
    const { error } = exceptionBody.safeParse({ ...leave, ...members });
    expect(error?.issues.map(({ path }) => path.join('/')).sort()).toEqual(expected);
  });
});
