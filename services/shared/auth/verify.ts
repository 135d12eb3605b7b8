import { createLocalJWKSet, createRemoteJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
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
/** Keys of a remote issuer are asked for again after this; what was verified with the old ones goes with them. */
const KEYS_MS = 10 * 60_000;
const KEYS_COOLDOWN_MS = 30_000;
const KEYS_TIMEOUT_MS = 5_000;
/** Longer texts are no tokens of anybody. */
const MAX_TOKEN_LENGTH = 8_192;
const CLOCK_TOLERANCE_SECONDS = 5;

type Keys = Parameters<typeof jwtVerify>[1] & { jwks?: () => unknown };

function keysOf({ jwksUri, jwks }: Issuer): Keys {
  if (jwksUri === undefined)
    return createLocalJWKSet(jwks as unknown as Parameters<typeof createLocalJWKSet>[0]) as Keys;
  return createRemoteJWKSet(new URL(jwksUri), {
    // Sooner than what was verified with them is forgotten, so that it is verified with what is there then.
    cacheMaxAge: KEYS_MS - KEYS_TIMEOUT_MS,
    cooldownDuration: KEYS_COOLDOWN_MS,
    timeoutDuration: KEYS_TIMEOUT_MS,
  }) as Keys;
}

interface Trusted {
  issuer: Issuer;
  keys: Keys;
  verified: ReturnType<typeof createTokenCache<Verified>>;
  /** The keys that the cached tokens were verified with, as text. */
  verifiedWith?: string;
  /** When the cache was last emptied; milliseconds of the epoch. */
  emptiedAt: number;
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

function empty(entry: Trusted, now: number): void {
  entry.verified.clear();
  entry.emptiedAt = now;
}

/** Names that the deny list, keys and logs can hold (OpenID Connect Core §2: at most 255 characters). */
const isName = (value: unknown): value is string =>
  typeof value === 'string' && /^[^\p{Cc}]{1,255}$/u.test(value);

/**
 * Verifies tokens (RFC 7519, RFC 8725): each with the keys and the rules of the issuer that it names, never a mixture.
 * @throws unauthenticated; unavailable when an issuer's keys cannot be had
 */
export function createVerifier(issuers: readonly Issuer[], denyList: DenyList) {
  const trusted = new Map<string, Trusted>(
    issuers.map((issuer) => [
      issuer.issuer,
      { issuer, keys: keysOf(issuer), verified: createTokenCache<Verified>(CACHED_TOKENS), emptiedAt: 0 },
    ]),
  );

  const verify = async ({ issuer, keys }: Trusted, token: string): Promise<Verified> => {
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
      if (now - entry.emptiedAt > KEYS_MS) empty(entry, now);
      const verified = entry.verified.get(token, now);
      if (verified !== undefined) return verified;
    }
    return undefined;
  };

  const verifyAnew = async (token: string, now: number): Promise<Verified> => {
    const issuer = unsafeIssuerOf(token);
    const entry = trusted.get(String(issuer));
    if (entry === undefined) throw tokenRefused(issuer === undefined ? 'malformed' : 'unknown-issuer');
    const verified = await verify(entry, token);
    const used = JSON.stringify(entry.keys.jwks?.());
    if (used !== entry.verifiedWith) empty(entry, now);
    entry.verifiedWith = used;
    entry.verified.set(token, verified, ((verified.claims.exp ?? 0) + CLOCK_TOLERANCE_SECONDS) * 1_000);
    return verified;
  };

  return async (token: string): Promise<Verified> => {
    if (token.length > MAX_TOKEN_LENGTH) throw tokenRefused('malformed');
    const now = Date.now();
    const verified = findVerified(token, now) ?? (await verifyAnew(token, now));
    const { sub, jti } = verified.claims;
    if (denyList.denies(sub) || (jti !== undefined && denyList.denies(jti))) throw tokenRefused('denied');
    return verified;
  };
}
