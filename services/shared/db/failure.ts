import { types } from 'node:util';
import pg from 'pg';
import { type Problem, unavailable } from '../problem/problem.ts';

/** SQLSTATE classes and codes after which the same request may well succeed (PostgreSQL 18, appendix A). */
const PASSING = /^(08|28|3D000|53|57P|40001|40P01|55P03|57014|58|25P03|25006)/;

const LOST_CONNECTION = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]);

/** What pg throws, without a code, when a connection is lost or no connection is free in time. */
const PG_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Connection ended|timeout expired)/;

/** The name of the constraint that a statement broke, if it did. */
export function brokenConstraint(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError && error.code?.startsWith('23') ? error.constraint : undefined;
}

/** What somebody must mend before the database lets us in, by the variable that names it; undefined when it may be merely away. */
export function whatToMend(error: unknown, variable: string): string | undefined {
  const { code = '' } = error as { code?: string };
  if (code.startsWith('28')) return `the database refuses the user or its password; check ${variable}`;
  if (code === '3D000') return `the database does not exist; check ${variable}`;
  if (code === '42501')
    return `the database denies the user of ${variable} a right; migrate grants the service its rights`;
  return undefined;
}

/** Whether an error says that the database cannot answer now; then 503 is the answer, and no defect. */
export function databaseAway(error: unknown): Problem | undefined {
  if (!types.isNativeError(error)) return undefined;
  const { code } = error as { code?: unknown };
  const passing =
    error instanceof pg.DatabaseError
      ? PASSING.test(error.code ?? '')
      : (typeof code === 'string' && LOST_CONNECTION.has(code)) || PG_MESSAGES.test(error.message);
  return passing
    ? unavailable(
        'The database cannot be reached or is overloaded; nothing is known to be done, try again.',
        { cause: error },
      )
    : undefined;
}
