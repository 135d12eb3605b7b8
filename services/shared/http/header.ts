import type { IncomingMessage } from 'node:http';

/** A header's value, the first where Node keeps several. */
export function headerOf({ headers }: Pick<IncomingMessage, 'headers'>, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
