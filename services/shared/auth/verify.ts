import { isDeepStrictEqual } from 'node:util';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  type ExportedJWKSCache,
  errors,
  type JWKSCacheInput,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwksCache,
  jwtVerify,
} from 'jose';
import { Problem, unavailable } from '../problem/problem.ts';
import type { DenyList } from './deny-list.ts';
import type { Issuer } from './issuers.ts';
import { createTokenCache } from './token-cache.ts';
import { type RefusalReason, tokenRefused } from './unauthenticated.ts';

/** What a good token says, and who signed it. */
export interface Verified {
  claims: JWTPayload & { sub: string };
  issuer: Issuer;
}

const CACHED_TOKENS = 10_000;
/** Nobody is believed by keys of a remote issuer that were fetched longer ago than this. */
const KEYS_MS = 10 * 60_000;
const KEYS_COOLDOWN_MS = 30_000;
const KEYS_TIMEOUT_MS = 5_000;
/** Longer texts are no tokens of anybody. */
const MAX_TOKEN_LENGTH = 8_192;
const CLOCK_TOLERANCE_SECONDS = 5;

/** What jose has fetched of a remote issuer's keys, and when, in milliseconds of the epoch; empty where the keys are in the file. */
type Fetched = Partial<ExportedJWKSCache>;

function keysOf({ jwksUri, jwks }: Issuer, fetched: Fetched): JWTVerifyGetKey {
  if (jwksUri === undefined)
    return createLocalJWKSet(jwks as unknown as Parameters<typeof createLocalJWKSet>[0]);
  return createRemoteJWKSet(new URL(jwksUri), {
    // Sooner than what was verified with them is verified again, so that it is verified with what is there then.
    cacheMaxAge: KEYS_MS - KEYS_TIMEOUT_MS,
    cooldownDuration: KEYS_COOLDOWN_MS,
    timeoutDuration: KEYS_TIMEOUT_MS,
    [jwksCache]: fetched as JWKSCacheInput,
  });
}

interface Trusted {
  issuer: Issuer;
  keys: JWTVerifyGetKey;
  fetched: Fetched;
  /** Tokens that were verified with these keys. */
  verified: ReturnType<typeof createTokenCache<Verified>>;
  verifiedWith: Fetched['jwks'];
}

function trust(issuer: Issuer): Trusted {
  const fetched: Fetched = {};
  const verified = createTokenCache<Verified>(CACHED_TOKENS);
  return { issuer, keys: keysOf(issuer, fetched), fetched, verified, verifiedWith: undefined };
}

/** Forgets what was verified with other keys than the present ones, however these came. */
function forgetOlder(entry: Trusted): void {
  const { jwks } = entry.fetched;
  if (jwks === entry.verifiedWith) return;
  if (!isDeepStrictEqual(jwks, entry.verifiedWith)) entry.verified.clear();
  entry.verifiedWith = jwks;
}

const unsafeIssuerOf = (token: string): unknown => {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
};

const REASONS: Readonly<Record<string, RefusalReason>> = {
  ERR_JWT_EXPIRED: 'expired',
  ERR_JWT_CLAIM_VALIDATION_FAILED: 'claims',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'signature',
  ERR_JWKS_NO_MATCHING_KEY: 'unknown-key',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'unknown-key',
  ERR_JOSE_ALG_NOT_ALLOWED: 'algorithm',
};

function reasonOf(error: unknown): RefusalReason {
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud') return 'audience';
    if (error.claim === 'nbf') return 'not-yet-valid';
  }
  return (error instanceof errors.JOSEError ? REASONS[error.code] : undefined) ?? 'malformed';
}

/** Whether the issuer's keys could not be had: then nothing is known about the token. */
const keysAreAway = (error: unknown): boolean =>
  error instanceof errors.JWKSTimeout ||
  error instanceof errors.JWKSInvalid ||
  !(error instanceof errors.JOSEError) ||
  error.code === 'ERR_JOSE_GENERIC';

/** Names that the deny list, keys and logs can hold as they are (OpenID Connect Core §2: at most 255 characters). */
const isName = (value: unknown): value is string =>
  typeof value === 'string' &&
  /^[^\p{Cc}]{1,255}$/u.test(value) &&
  value.trim() === value &&
  value.isWellFormed();

/**
 * Verifies tokens (RFC 7519, RFC 8725): each with the keys and the rules of the issuer that it names, never a mixture.
 * @throws unauthenticated; unavailable when an issuer's keys cannot be had
 */
export function createVerifier(issuers: readonly Issuer[], denyList: DenyList) {
  const trusted = new Map(issuers.map((issuer) => [issuer.issuer, trust(issuer)]));

  const verify = async ({ issuer }: Trusted, token: string, keys: JWTVerifyGetKey): Promise<Verified> => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: issuer.issuer,
        audience: issuer.audience,
        algorithms: issuer.algorithms,
        ...(issuer.typ === undefined ? {} : { typ: issuer.typ }),
        // Without this, a token that has no `exp` would be good for ever.
        requiredClaims: ['exp', 'iat', 'sub'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
      });
      if (!isName(payload.sub) || (payload.jti !== undefined && !isName(payload.jti)))
        throw tokenRefused('claims');
      return { claims: payload as Verified['claims'], issuer };
    } catch (error) {
      if (error instanceof Problem) throw error;
      if (keysAreAway(error))
        throw unavailable('The keys of the token’s issuer cannot be had; try again in a moment.', {
          cause: error,
        });
      throw tokenRefused(reasonOf(error));
    }
  };

  // Whose token it is need not be read: a cache holds only what its issuer's keys have verified.
  const findVerified = (token: string, now: number): Verified | undefined => {
    for (const entry of trusted.values()) {
      forgetOlder(entry);
      const isStale = now - (entry.fetched.uat ?? now) >= KEYS_MS;
      const verified = isStale ? undefined : entry.verified.get(token, now);
      if (verified !== undefined) return verified;
    }
    return undefined;
  };

  const verifyAnew = async (token: string): Promise<Verified> => {
    const issuer = unsafeIssuerOf(token);
    const entry = trusted.get(String(issuer));
    if (entry === undefined) throw tokenRefused(issuer === undefined ? 'malformed' : 'unknown-issuer');
    let used: Fetched['jwks'];
    const verified = await verify(entry, token, async (header, jws) => {
      const key = await entry.keys(header, jws);
      used = entry.fetched.jwks;
      return key;
    });
    forgetOlder(entry);
    const endsAt = ((verified.claims.exp ?? 0) + CLOCK_TOLERANCE_SECONDS) * 1_000;
    // Others may have come while the signature was checked.
    if (used === entry.fetched.jwks) entry.verified.set(token, verified, endsAt);
    return verified;
  };

  return async (token: string): Promise<Verified> => {
    if (token.length > MAX_TOKEN_LENGTH) throw tokenRefused('malformed');
    const now = Date.now();
    const verified = findVerified(token, now) ?? (await verifyAnew(token));
    const { sub, jti } = verified.claims;
    if (denyList.denies(sub) || (jti !== undefined && denyList.denies(jti))) throw tokenRefused('denied');
    return verified;
  };
}
