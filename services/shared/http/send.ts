import type { Request, Response } from 'express';
import { currentContext } from '../log/context.ts';
import { type Problem, problemBody } from '../problem/problem.ts';
import type { Answer } from './answer.ts';
import { isUnchanged } from './version.ts';

/** Health records must not stay in caches; nothing of ours is meant to be framed, sniffed or run as a page. */
const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** The answer to a conditional request: 304 where the client has what would be sent. */
export function unlessUnchanged(req: Request, answer: Answer): Answer {
  const { etag } = answer.headers;
  if (
    answer.status !== 200 ||
    etag === undefined ||
    (req.method !== 'GET' && req.method !== 'HEAD') ||
    !isUnchanged(req.headers['if-none-match'], etag)
  )
    return answer;
  const { body: _unsent, ...rest } = answer;
  return { ...rest, status: 304, headers: { etag } };
}

/**
 * Writes an answer with one header block and one body, and tells the client to leave while the process drains:
 * the header is decided at the last moment, so that an answer to an older request carries it too.
 */
export function send(res: Response, answer: Answer, isDraining: () => boolean): void {
  if (res.headersSent || res.destroyed) return;
  const connection = isDraining() ? { connection: 'close' } : {};
  const { requestId } = currentContext() ?? {};
  const identity = requestId === undefined ? {} : { 'x-request-id': requestId };
  const length = answer.body === undefined ? {} : { 'content-length': Buffer.byteLength(answer.body) };
  res.writeHead(answer.status, {
    ...SECURITY_HEADERS,
    ...identity,
    ...answer.headers,
    ...length,
    ...connection,
  });
  res.end(answer.body);
}

/** A problem as an answer. */
export const problemAnswer = (problem: Problem, requestId: string | undefined): Answer => ({
  status: problem.status,
  headers: { ...problem.headers, 'content-type': 'application/problem+json' },
  body: problemBody(problem, requestId),
  problem: problem.type,
});
