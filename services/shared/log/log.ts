import { writeSync } from 'node:fs';
import { types } from 'node:util';
import pino, { type DestinationStream, type Logger } from 'pino';
import type { AnnouncedKey, Checkpoint } from '../audit/checkpoint.ts';
import { currentContext } from './context.ts';
import { gatherLines } from './gather.ts';

/**
 * What a log line may carry beside its message. There is no other way to log, so that bodies, query strings
 * and the database's details, which quote rows, cannot reach a line.
 */
export interface LogFields {
  method?: string;
  route?: string;
  status?: number;
  durationMs?: number;
  problem?: string;
  error?: unknown;
  port?: number;
  host?: string;
  reason?: string;
  checkpoint?: Checkpoint;
  auditKey?: AnnouncedKey;
}

type Line = (fields: LogFields, message: string) => void;

export interface Log {
  debug: Line;
  info: Line;
  warn: Line;
  error: Line;
  /** At whatever level the log is: evidence, which must leave the machine. */
  always: Line;
  /** Resolves when every line is written; what is logged from now on is dropped. */
  end: () => Promise<void>;
}

// Their messages may quote a value: "invalid input syntax for type …", "Unexpected token …".
const QUOTING = new Set(['error', 'SyntaxError']);

/** A cause of a cause is told as well; what is deeper than this goes round in circles. */
const MAX_CAUSES = 4;

/** Name, code, message and stack of an error; PostgreSQL's `detail`, `where` and parameters stay out, for they quote rows. */
function describeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!types.isNativeError(error)) return { type: typeof error };
  const { code, constraint, table } = error as Error & Record<'code' | 'constraint' | 'table', unknown>;
  return {
    type: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof constraint === 'string' ? { constraint, table } : {}),
    ...(QUOTING.has(error.name) ? {} : { message: error.message }),
    stack: error.stack
      ?.split('\n')
      .filter((line) => line.startsWith('    at '))
      .slice(0, 12)
      .join('\n'),
    ...(error.cause === undefined || depth === MAX_CAUSES
      ? {}
      : { cause: describeError(error.cause, depth + 1) }),
  };
}

// A write for each line took 8 % of a booking.
const GATHERED_CHARACTERS = 32_768;
const GATHERED_MS = 100;

type BufferingStream = ReturnType<typeof pino.destination> & { fd: number };
const isBuffering = (stream: DestinationStream): stream is BufferingStream => 'flushSync' in stream;

/** Where lines go, and how to end it. */
interface Output {
  stream: DestinationStream;
  end: () => Promise<void>;
}

function outputTo(destination: DestinationStream): Output {
  if (!isBuffering(destination)) return { stream: destination, end: async () => undefined };
  const lines = gatherLines(destination, GATHERED_CHARACTERS, GATHERED_MS);
  // Who ends without ending the log, as by an error that nobody caught, tells its last words all the same.
  const writeRest = (): void => {
    try {
      destination.flushSync();
      writeSync(destination.fd, lines.take());
    } catch {
      // Nobody reads any more.
    }
  };
  process.once('exit', writeRest);
  return {
    stream: lines,
    end: () =>
      new Promise((resolve) => {
        process.off('exit', writeRest);
        lines.flush();
        destination.once('close', resolve).end();
      }),
  };
}

/** The time of a line, worked out once for all lines of a millisecond. */
function createClock(): () => string {
  let [lastMs, text] = [0, ''];
  return () => {
    const now = Date.now();
    if (now !== lastMs) [lastMs, text] = [now, `,"time":"${new Date(now).toISOString()}"`];
    return text;
  };
}

/** JSON lines on standard output, level as a word, with the ids of the request that a line belongs to. */
export function createLog(
  service: string,
  level: string,
  destination: DestinationStream = pino.destination({ fd: 1, sync: false }),
): Log {
  const { stream, end } = outputTo(destination);
  const logger: Logger = pino(
    {
      level,
      base: { service },
      timestamp: createClock(),
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => {
        const context = currentContext();
        return context === undefined
          ? {}
          : { request_id: context.requestId, trace_id: context.traceId, span_id: context.spanId };
      },
      serializers: { error: (error: unknown) => describeError(error) },
    },
    stream,
  );
  const evidence = logger.child({}, { level: 'info' });
  let isEnding = false;
  // A stream that ends throws at who writes, and who ends by a signal may still be at work.
  const lineOf =
    (write: Line): Line =>
    (fields, message) => {
      if (!isEnding) write(fields, message);
    };
  return {
    debug: lineOf((fields, message) => logger.debug(fields, message)),
    info: lineOf((fields, message) => logger.info(fields, message)),
    warn: lineOf((fields, message) => logger.warn(fields, message)),
    error: lineOf((fields, message) => logger.error(fields, message)),
    always: lineOf((fields, message) => evidence.info(fields, message)),
    end: () => {
      isEnding = true;
      return end();
    },
  };
}
