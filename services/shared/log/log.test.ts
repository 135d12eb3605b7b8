import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import pino from 'pino';
import { contextHeaders, contextOf, withContext } from './context.ts';
import { createLog } from './log.ts';

function logInto(level = 'info') {
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  return {
    log: createLog('tests', level, sink),
    text: () => lines.join(''),
    line: () => JSON.parse(lines.join('')),
  };
}

/** As pg makes it of what the server sends. */
function databaseError(): pg.DatabaseError {
  const error = new pg.DatabaseError('duplicate key value: Zebra', 100, 'error');
  return Object.assign(error, {
    code: '23505',
    detail: 'Key (name)=(Zebra Quagga) already exists.',
    where: 'unnamed portal parameter $1 = Zebra',
    hint: 'Zebra',
    constraint: 'things_name_key',
    table: 'things',
    column: 'name',
  });
}

test('a line is JSON with time, level as a word, service and message', () => {
  const { log, line } = logInto();
  log.info({ port: 3001 }, 'listening');
  expect(line()).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    service: 'tests',
    port: 3001,
    msg: 'listening',
  });
});

test('a line below the level is not written', () => {
  const { log, text } = logInto('warn');
  log.info({}, 'no');
  expect(text()).toBe('');
});

test('a line says which request it belongs to', () => {
  const { log, line } = logInto();
  const context = contextOf('abc-12345', undefined);
  withContext(context, () => log.info({}, 'inside'));
  expect(line()).toMatchObject({
    request_id: 'abc-12345',
    trace_id: context.traceId,
    span_id: context.spanId,
  });
});

test('a database’s error leaves code, constraint and stack; message, detail and parameters stay out, for they quote rows', () => {
  const { log, line, text } = logInto();
  log.error({ error: databaseError() }, 'failed');
  expect(line().error).toEqual({
    type: 'error',
    code: '23505',
    constraint: 'things_name_key',
    table: 'things',
    stack: expect.stringContaining('log.test.ts'),
  });
  expect(text()).not.toMatch(/Zebra|Quagga/);
});

test('causes are told in the same way, however they go round', () => {
  const { log, line, text } = logInto();
  const outer = new Error('outer', { cause: databaseError() });
  log.error({ error: outer }, 'failed');
  expect(line().error).toMatchObject({ type: 'Error', message: 'outer', cause: { code: '23505' } });
  expect(text()).not.toContain('Zebra');

  const round = new Error('round');
  round.cause = round;
  expect(() => log.error({ error: round }, 'failed')).not.toThrow();
});

test('the message of a parser, which quotes what it read, stays out', () => {
  const { log, line, text } = logInto();
  try {
    JSON.parse('{"name": Zebra}');
  } catch (error) {
    log.error({ error }, 'failed');
  }
  expect(line().error).toMatchObject({ type: 'SyntaxError' });
  expect(text()).not.toContain('Zebra');
});

test('what was thrown and is no error is not written', () => {
  const { log, line } = logInto();
  log.error({ error: 'Zebra' }, 'failed');
  expect(line().error).toEqual({ type: 'string' });
});

describe('the context of a request', () => {
  const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;
  const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

  test.each([
    'abcd',
    'a.b_c-1',
    '0190a8f0-7c3a-7def-8a3b-0c1d2e3f4a5b',
    'Root=1-67891233-abcdef012345678912345678',
    'a'.repeat(128),
  ])('takes the request id %s', (id) => expect(contextOf(id, undefined).requestId).toBe(id));

  test.each([undefined, '', ' ', 'a b', 'a\tb', 'ada@example.org', '{"x":1}', 'ä', '<b>', 'a'.repeat(129)])(
    'makes another than %j',
    (id) => expect(contextOf(id, undefined).requestId).toMatch(UUID),
  );

  test('keeps the trace and its flags, and is a span of its own', () => {
    const context = contextOf(undefined, `00-${TRACE}-00f067aa0ba902b7-00`);
    expect(context).toMatchObject({ traceId: TRACE, traceFlags: '00' });
    expect(context.spanId).toMatch(/^(?!0{16})(?!00f067aa0ba902b7)[0-9a-f]{16}$/);
    expect(contextHeaders(context)).toEqual({
      'x-request-id': context.requestId,
      traceparent: `00-${TRACE}-${context.spanId}-00`,
    });
  });

  test('reads the traceparent of a later version by the fields it knows', () => {
    expect(contextOf(undefined, `cc-${TRACE}-00f067aa0ba902b7-01-what-comes`).traceId).toBe(TRACE);
  });

  test.each([
    undefined,
    '',
    `00-${TRACE}-00f067aa0ba902b7`,
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-00f067aa0ba902b7-01`,
    `ff-${TRACE}-00f067aa0ba902b7-01`,
    `00-${TRACE}-00f067aa0ba902b7-01-more`,
  ])('starts a trace when traceparent is %j', (traceparent) => {
    const { traceId } = contextOf(undefined, traceparent);
    expect(traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
    expect(traceId).not.toBe(TRACE);
  });
});

test('a line that comes while the log ends, or after it, is dropped', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'clinic-log-'));
  const file = join(folder, 'log');
  const log = createLog('tests', 'info', pino.destination({ dest: file, sync: false }));
  log.info({}, 'the last');
  let hasEnded = false;
  const ended = log.end().then(() => {
    hasEnded = true;
  });
  for (let turn = 0; !hasEnded && turn < 10_000; turn += 1) {
    log.info({}, 'too late');
    log.always({}, 'too late');
    await setImmediate();
  }
  await ended;
  log.error({}, 'too late');
  const text = await readFile(file, 'utf8');
  await rm(folder, { recursive: true });
  expect(text).toContain('the last');
  expect(text).not.toContain('too late');
});

test('what waits to be written is written when a process ends without ending its log', async () => {
  const program = `import { createLog } from ${JSON.stringify(new URL('./log.ts', import.meta.url).href)};
    createLog('tests', 'info').info({}, 'the last');
    process.exit(3);`;
  const command = ['--import', 'tsx', '--input-type=module', '--eval', program];
  const ended = await promisify(execFile)(process.execPath, command).catch((error) => error);
  expect(ended).toMatchObject({ code: 3, stdout: expect.stringContaining('"msg":"the last"') });
});
