import express, { type Request, type RequestHandler, type Response } from 'express';
import {
  invalidJson,
  invalidRequest,
  type Problem,
  tooLarge,
  unsupportedMediaType,
} from '../problem/problem.ts';

const MAX_BYTES = 100 * 1024;
/** Deeper than any of our bodies; parsing and merging walk down by recursion. */
const MAX_DEPTH = 32;

// `raw` unpacks gzip, deflate and br, and counts the bytes after unpacking.
const readRaw: RequestHandler = express.raw({ limit: MAX_BYTES, type: () => true });

const decoder = new TextDecoder('utf-8', { fatal: true });

function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  let inText = false;
  for (let index = 0; index < json.length; index += 1) {
    const character = json[index];
    if (inText) {
      if (character === '\\') index += 1;
      else if (character === '"') inText = false;
    } else if (character === '"') inText = true;
    else if (character === '{' || character === '[') {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (character === '}' || character === ']') depth -= 1;
  }
  return deepest;
}

/** @throws unsupported-media-type */
function requireMediaType(contentType: string | undefined, allowed: readonly string[]): void {
  const [mediaType = '', ...parameters] = (contentType ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice(8)
    .replaceAll('"', '');
  if (!allowed.includes(mediaType)) {
    throw unsupportedMediaType(`The Content-Type must be ${allowed.join(' or ')}.`, {
      headers: { accept: allowed.join(', ') },
    });
  }
  if (charset !== undefined && charset !== 'utf-8') throw unsupportedMediaType('The charset must be UTF-8.');
}

const ENCODINGS = ['gzip', 'deflate', 'br', 'identity'];
const tooLargeBody = () => tooLarge('The body must be at most 100 KiB, measured unpacked.');

/**
 * Refuses by its headers what need not be read: the reader would answer only when all of it has arrived.
 * @throws too-large, unsupported-media-type
 */
function requireReadable({ headers }: Request): void {
  const encoding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (!ENCODINGS.includes(encoding)) {
    throw unsupportedMediaType('The Content-Encoding must be gzip, deflate, br or identity.', {
      headers: { 'accept-encoding': ENCODINGS.join(', ') },
    });
  }
  if (encoding === 'identity' && Number(headers['content-length']) > MAX_BYTES) throw tooLargeBody();
}

function bodyProblem(error: unknown): Problem {
  const { type, message } = error as { type?: string; message?: string };
  return type === 'entity.too.large'
    ? tooLargeBody()
    : invalidJson('The body could not be read.', { cause: message });
}

/**
 * The body's JSON, or undefined when there is none.
 * @throws invalid-json, too-large, unsupported-media-type, invalid-request (nested too deep)
 */
export async function readBody(req: Request, res: Response, allowed: readonly string[]): Promise<unknown> {
  requireReadable(req);
  await new Promise<void>((resolve, reject) => {
    readRaw(req, res, (error?: unknown) => (error === undefined ? resolve() : reject(bodyProblem(error))));
  });
  const bytes: unknown = req.body;
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) return undefined;
  requireMediaType(req.headers['content-type'], allowed);
  let json: string;
  try {
    json = decoder.decode(bytes);
  } catch {
    throw invalidJson('The body is not UTF-8.');
  }
  if (depthOf(json) > MAX_DEPTH) {
    throw invalidRequest([{ pointer: '#', detail: `must not be nested deeper than ${MAX_DEPTH} levels` }]);
  }
  try {
    return JSON.parse(json);
  } catch {
    throw invalidJson('The body is not JSON (RFC 8259).');
  }
}
