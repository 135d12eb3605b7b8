/** One operation of an OpenAPI document, as far as bad requests are made from it. */
export interface Operation {
  parameters: readonly { name: string; in: string }[];
  requestBody?: { content: Readonly<Record<string, { schema: { properties?: object } }>> };
}

/** A request as it goes out. */
export interface BadRequest {
  path: string;
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Buffer;
  /** Whether the canary is the name of a member or parameter, which a problem may name. */
  isName?: boolean;
}

type Make = Omit<BadRequest, 'path'> & { path?: string };

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const JSON_TYPE = { 'content-type': 'application/json' };
const MAX_BODY = 100 * 1024;

function inPath(path: string, canary: string): Make[] {
  const ids = path.match(UUID) ?? [];
  return ids.flatMap((id) =>
    [canary, `${canary}%20${canary}`, `%zz${canary}`, `${id}${canary}`, `${id}/${canary}`].map((text) => ({
      path: path.replace(id, text),
    })),
  );
}

function inQuery(path: string, operation: Operation, canary: string): Make[] {
  const known = operation.parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  const join = (query: string) => `${path}${path.includes('?') ? '&' : '?'}${query}`;
  const cursor = Buffer.from(JSON.stringify([canary, canary, canary])).toString('base64url');
  return [
    { path: join(`${canary}=${canary}`), isName: true },
    { path: join(`${canary}%zz=1`), isName: true },
    { path: join(`nonsense=${canary}`) },
    { path: join(`cursor=${cursor}`) },
    ...known.flatMap((name) =>
      [canary, `${canary}|${canary}`, `%zz${canary}`, `${canary}&${name}=${canary}`, `%00${canary}`].map(
        (value) => ({ path: join(`${name}=${value}`) }),
      ),
    ),
  ];
}

function inBody({ requestBody }: Operation, good: object, canary: string): Make[] {
  const [content] = Object.values(requestBody?.content ?? {});
  const members = Object.keys(content?.schema.properties ?? {});
  const json = (value: unknown, more: Partial<Make> = {}): Make => ({
    body: JSON.stringify(value),
    headers: JSON_TYPE,
    ...more,
  });
  const typed = (type: string): Make => json(good, { headers: { 'content-type': type } });
  return [
    { body: `{"a": "${canary}`, headers: JSON_TYPE },
    { body: canary, headers: JSON_TYPE },
    { body: Buffer.concat([Buffer.from(`"${canary}`), Buffer.from([0xff, 0x22])]), headers: JSON_TYPE },
    { body: `${'['.repeat(50)}"${canary}"${']'.repeat(50)}`, headers: JSON_TYPE },
    { body: JSON.stringify(canary.repeat(MAX_BODY / canary.length + 1)), headers: JSON_TYPE },
    json([canary]),
    json({ ...good, [canary]: canary }, { isName: true }),
    { body: canary, headers: { 'content-type': `text/${canary}` } },
    typed(`application/${canary}`),
    typed(`application/json; charset=${canary}`),
    json(good, { headers: { ...JSON_TYPE, 'content-encoding': canary } }),
    json(good, { headers: { ...JSON_TYPE, 'content-encoding': 'gzip' } }),
    ...members.flatMap((member) => [
      json({ ...good, [member]: `${canary}\0` }),
      json({ ...good, [member]: [canary, canary] }),
      json({ ...good, [member]: { [canary]: canary } }, { isName: true }),
    ]),
  ];
}

function inHeaders(canary: string): Make[] {
  const of = (headers: Record<string, string>): Make => ({ headers });
  return [
    of({ 'if-match': `"${canary}"` }),
    of({ 'if-none-match': `"${canary}"` }),
    of({ 'idempotency-key': canary.repeat(50) }),
    of({ 'idempotency-key': `${canary}\u00fc` }),
    of({ 'x-request-id': `${canary}@example.org`, traceparent: canary, tracestate: `${canary}=1` }),
    of({ 'user-agent': canary, referer: `https://example.org/?${canary}`, cookie: `name=${canary}` }),
    of({ 'x-forwarded-for': canary, forwarded: `for=${canary}`, accept: canary, origin: canary }),
    of({ 'x-long': canary.repeat(2_000) }),
    of({ authorization: `Bearer ${canary}` }),
    of({ authorization: `Basic ${Buffer.from(`${canary}:${canary}`).toString('base64')}` }),
    of({ authorization: canary }),
  ];
}

/** What a client could get wrong about a good request, with a canary in each place where it could put one. */
export function badRequests(
  operation: Operation,
  { path, body }: { path: string; body?: object },
  canary: string,
): BadRequest[] {
  const made: Make[] = [
    ...inPath(path, canary),
    ...inQuery(path, operation, canary),
    ...(operation.requestBody === undefined ? [] : inBody(operation, body ?? {}, canary)),
    ...inHeaders(canary),
    { method: 'PROPFIND', headers: { 'x-canary': canary } },
    { method: canary.toUpperCase() },
  ];
  return made.map((request) => ({ path, ...request }));
}
