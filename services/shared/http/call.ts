import type { Request, Response } from 'express';
import { addAbout, type Trail } from '../audit/trail.ts';
import { forbidden } from '../auth/authenticate.ts';
import type { Caller } from '../caller/caller.ts';
import { readKey } from '../idempotency/key.ts';
import { type InvalidPart, invalidPartsOf, invalidRequest, notFound } from '../problem/problem.ts';
import { parseBody, parseQuery } from '../schema/parse.ts';
import { readBody } from './body.ts';
import type { Access, Call, Endpoint, Own } from './endpoint.ts';
import { headerOf } from './header.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MEDIA_TYPES = {
  json: ['application/json'],
  'merge-patch': ['application/merge-patch+json', 'application/json'],
};

export const nothingHere = () => notFound('There is nothing here.');

/** The path's parameters, or undefined when one is not what it must be. The trail gets the ids, also of a caller who is going to be refused. */
function readParams(
  { params: patterns = {}, about }: Endpoint,
  req: Request,
  trail: Trail,
): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  let isGood = true;
  for (const name of Object.keys(req.params)) {
    const value = String(req.params[name]);
    const pattern = patterns[name];
    const isId = UUID.test(value);
    const id = isId ? value.toLowerCase() : undefined;
    params[name] = id ?? value;
    trail.resourceId = id ?? trail.resourceId;
    if (id !== undefined && name === about) addAbout(trail, id);
    isGood &&= pattern === undefined ? isId : pattern.test(value);
  }
  return isGood ? params : undefined;
}

function splitUrl(req: Request): { path: string; query: string } {
  const mark = req.originalUrl.indexOf('?');
  return mark < 0
    ? { path: req.originalUrl, query: '' }
    : { path: req.originalUrl.slice(0, mark), query: req.originalUrl.slice(mark + 1) };
}

/** What the caller's role reaches here. @throws forbidden */
function reachOf({ access, method, path }: Endpoint, { role }: Caller): Access[string] {
  if (role === undefined) return 'all';
  const reach = Object.hasOwn(access, role) ? access[role] : undefined;
  if (reach === undefined) throw forbidden(`The role ${role} may not ${method} ${path}.`);
  return reach;
}

/** The record that the caller is limited to, if it is. @throws forbidden when the path is another's */
function ownOf(reach: Access[string], { role, ownId }: Caller, id: string | undefined): Own | undefined {
  if (reach === 'all') return undefined;
  if (role === undefined || ownId === undefined) throw new Error(`The role ${role} has no record of its own`);
  if (reach === 'self' && id !== ownId) throw forbidden(`The role ${role} may do this only for itself.`);
  return { role, id: ownId };
}

/** Reads and validates one request, and notes in its trail who asks for what. @throws the problems of authentication and of bad input: of query, key and body all at once */
export async function readCall(
  endpoint: Endpoint,
  req: Request,
  res: Response,
  { authenticate, trail }: { authenticate: (req: Request) => Caller | Promise<Caller>; trail: Trail },
): Promise<Call> {
  const params = readParams(endpoint, req, trail);
  const caller = await authenticate(req);
  trail.caller = caller;
  const reach = reachOf(endpoint, caller);
  if (params === undefined) throw nothingHere();
  const own = ownOf(reach, caller, params.id);
  const { path, query } = splitUrl(req);
  const mediaTypes = endpoint.change === 'merge-patch' ? MEDIA_TYPES['merge-patch'] : MEDIA_TYPES.json;
  const sent = endpoint.body === undefined ? undefined : await readBody(req, res, mediaTypes);

  const invalid: InvalidPart[] = [];
  const parsedQuery = gather(invalid, () =>
    endpoint.query === undefined ? noQuery(query) : parseQuery(endpoint.query, query),
  );
  const key = gather(invalid, () =>
    endpoint.method === 'POST'
      ? readKey(headerOf(req, 'idempotency-key'), caller, req.method, path, sent)
      : undefined,
  );
  const body =
    endpoint.body === undefined || endpoint.change !== undefined
      ? required(endpoint, sent, invalid)
      : parseBody(endpoint.body, sent, invalid);
  return { params, query: parsedQuery, body, caller, own, ifMatch: headerOf(req, 'if-match'), key, trail };
}

/** What `read` returns; what it finds invalid is kept, to be told together with the rest. */
function gather<Value>(invalid: InvalidPart[], read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    const parts = invalidPartsOf(error);
    if (parts === undefined) throw error;
    invalid.push(...parts);
    return undefined;
  }
}

/** A body that its handler validates, because the present state has a say in it. */
function required(endpoint: Endpoint, sent: unknown, invalid: readonly InvalidPart[]): unknown {
  const missing =
    endpoint.change !== undefined && sent === undefined ? [{ pointer: '#', detail: 'is required' }] : [];
  if (invalid.length + missing.length > 0) throw invalidRequest([...invalid, ...missing]);
  return sent;
}

function noQuery(query: string): undefined {
  if (query === '') return;
  const names = [...new Set(new URLSearchParams(query).keys())];
  if (names.length > 0)
    throw invalidRequest(names.map((parameter) => ({ parameter, detail: 'is not known here' })));
}
