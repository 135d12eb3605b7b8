/**
 * Connections on which several requests ask at the same time: `lookups` gather questions, because each write wakes a process of the
 * database; what `appends` are asked goes out at once, because somebody has gathered it already and all of them wait.
 */
export type Lane = 'lookups' | 'appends';

/** A prepared statement: its name stands for its text for ever, on every connection. */
export interface Statement<Args extends readonly unknown[], Row extends object> {
  readonly name: string;
  readonly text: string;
  /** The shared connections on which it may be asked outside of a transaction. */
  readonly lane?: Lane;
  /** Never set; it carries the types. */
  readonly types?: { args: Args; row: Row };
}

const named = new Map<string, string>();

/** Every statement that the loaded stores define, so that a test can prepare all of them against the real schema. */
export const definedStatements = (): readonly { name: string; text: string }[] =>
  [...named].map(([name, text]) => ({ name, text }));

/** Defines a named statement; the select list is the shape of `Row`. */
export function sql<Args extends readonly unknown[], Row extends object = Record<never, never>>(
  name: string,
  text: string,
): Statement<Args, Row> {
  const known = named.get(name);
  if (known !== undefined && known !== text)
    throw new Error(`The statement name ${name} stands for two texts`);
  // PostgreSQL cuts identifiers at 63 bytes, and two cut names could be one.
  if (Buffer.byteLength(name) > 63) throw new Error(`The statement name ${name} is longer than 63 bytes`);
  named.set(name, text);
  return { name, text };
}

/** Defines a named statement that reads a few rows by their key, locks nothing, and so may share its connection with others. */
export const lookup = <Args extends readonly unknown[], Row extends object>(
  name: string,
  text: string,
): Statement<Args, Row> => ({ ...sql<Args, Row>(name, text), lane: 'lookups' });

/** Defines a named statement that only inserts, by itself, what was gathered from several requests. */
export const append = <Args extends readonly unknown[], Row extends object = Record<never, never>>(
  name: string,
  text: string,
): Statement<Args, Row> => ({ ...sql<Args, Row>(name, text), lane: 'appends' });

/** SQL of an instant as RFC 3339 text in UTC, to the millisecond, for JSON that the database makes. */
export const instantText = (expression: string): string =>
  `to_char(${expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
