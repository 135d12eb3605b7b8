/** One invalid member or parameter (RFC 9457 §3: extension member `errors`). */
export type InvalidPart = ({ pointer: string } | { parameter: string } | { header: string }) & {
  detail: string;
};

export interface ProblemOptions {
  /** Extension members; sent to the client, so never a person's data. */
  extra?: Readonly<Record<string, unknown>>;
  headers?: Readonly<Record<string, string>>;
  /** Logged, never sent. */
  cause?: unknown;
  /** Why, in one word of a short list; logged and counted, never sent. */
  reason?: string;
  /** Whom it refuses who has no role here; for the audit trail, never sent. */
  subject?: string;
}

/** An expected failure, rendered as `application/problem+json` (RFC 9457). `detail` is public. */
export class Problem extends Error {
  readonly type: string;
  readonly status: number;
  readonly title: string;
  readonly extra: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly reason: string | undefined;
  readonly subject: string | undefined;

  constructor(
    definition: { type: string; status: number; title: string },
    detail: string,
    options: ProblemOptions = {},
  ) {
    super(detail, { cause: options.cause });
    this.name = 'Problem';
    this.type = definition.type;
    this.status = definition.status;
    this.title = definition.title;
    this.extra = options.extra ?? {};
    this.headers = options.headers ?? {};
    this.reason = options.reason;
    this.subject = options.subject;
  }
}

export interface ProblemType {
  (detail: string, options?: ProblemOptions): Problem;
  readonly type: string;
  readonly status: number;
}

const defined = new Map<string, ProblemType>();

/** Every problem type that the loaded modules define, for the documentation and its test. */
export const definedProblems = (): readonly ProblemType[] => [...defined.values()];

/** Defines a problem type; `type` is the word after `urn:problem-type:`. */
export function defineProblem(type: string, status: number, title: string): ProblemType {
  const make = (detail: string, options?: ProblemOptions) =>
    new Problem({ type, status, title }, detail, options);
  const problemType = Object.assign(make, { type, status });
  defined.set(`${type} ${status}`, problemType);
  return problemType;
}

export const malformedRequest = defineProblem('malformed-request', 400, 'The request is not HTTP/1.1');
export const invalidJson = defineProblem('invalid-json', 400, 'The body is not JSON');
export const notFound = defineProblem('not-found', 404, 'Not found');
export const methodNotAllowed = defineProblem('method-not-allowed', 405, 'The method is not allowed here');
export const versionMismatch = defineProblem(
  'version-mismatch',
  412,
  'The resource has changed since it was read',
);
export const tooLarge = defineProblem('too-large', 413, 'The body is too large');
export const unsupportedMediaType = defineProblem(
  'unsupported-media-type',
  415,
  'The media type is not supported',
);
export const internal = defineProblem('internal', 500, 'Something went wrong on our side');
const invalid = defineProblem('invalid-request', 422, 'The request is well-formed but invalid');
const tooMany = defineProblem('too-many-requests', 429, 'Too many requests');
const absent = defineProblem('unavailable', 503, 'The service cannot answer now');

/** 422 with all invalid parts. */
export const invalidRequest = (errors: readonly InvalidPart[], options: ProblemOptions = {}): Problem =>
  invalid(
    `${errors.length === 1 ? 'One part' : `${errors.length} parts`} of the request ${errors.length === 1 ? 'is' : 'are'} invalid; see errors.`,
    {
      ...options,
      extra: { ...options.extra, errors },
    },
  );

/** The invalid parts that an error tells of, if it is a 422 that tells them. */
export const invalidPartsOf = (error: unknown): readonly InvalidPart[] | undefined =>
  error instanceof Problem && error.type === 'invalid-request'
    ? (error.extra.errors as readonly InvalidPart[])
    : undefined;

/** 429: worth trying again after some seconds. */
export const tooManyRequests = (detail: string, retryAfterSeconds: number): Problem =>
  tooMany(detail, { headers: { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) } });

/** 503: worth trying again in a second. */
export const unavailable = (detail: string, options: ProblemOptions = {}): Problem =>
  absent(detail, { ...options, headers: { 'retry-after': '1', ...options.headers } });

const instanceOf = (requestId: string): string =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(requestId)
    ? `urn:uuid:${requestId}`
    : `urn:request:${encodeURIComponent(requestId)}`;

/** The body of a problem (RFC 9457 §3.1). `instance` names this occurrence by its request id. */
export function problemBody(problem: Problem, requestId: string | undefined): string {
  const { type, title, status, message: detail, extra } = problem;
  const standard = {
    type: `urn:problem-type:${type}`,
    title,
    status,
    detail,
    instance: requestId === undefined ? undefined : instanceOf(requestId),
  };
  // Twice, so that they come first and no extension member can replace them.
  return JSON.stringify({ ...standard, ...extra, ...standard });
}
