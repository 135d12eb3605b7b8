import { readableLine } from './log-line.ts';

const line = (fields: object) =>
  JSON.stringify({ time: '2026-11-22T10:00:00Z', service: 'patient', ...fields });

test('shows level, message, fields and what went wrong; not when and where, which the reader knows', () => {
  const error = { type: 'Error', message: 'connect ECONNREFUSED', stack: '    at connect (net.ts:1:1)' };
  expect(
    readableLine(
      line({ level: 'error', msg: 'request failed', status: 500, route: '/patients', error }),
      'warn',
    ),
  ).toBe(
    'error: request failed status=500 route=/patients connect ECONNREFUSED\n    at connect (net.ts:1:1)',
  );
});

test('leaves out what is less than the level asked for', () => {
  expect(readableLine(line({ level: 'info', msg: 'listening' }), 'warn')).toBeUndefined();
  expect(readableLine(line({ level: 'info', msg: 'listening' }), 'info')).toBe('info: listening');
});

test.each(['SyntaxError: Unexpected token', '{"not":"ours"}', '42', 'null', ''])(
  'leaves %j as it is',
  (text) => {
    expect(readableLine(text, 'error')).toBe(text);
  },
);
