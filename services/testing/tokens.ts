import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

/** An issuer of tokens, with its entry for AUTH_ISSUERS_FILE. */
export interface TestIssuer {
  entry: {
    issuer: string;
    audience: string;
    jwks: { keys: JWK[] };
    algorithms: ('ES256' | 'EdDSA')[];
    roleClaim: string;
  };
  /** A token that is good in every way but what `claims` says; a claim that is undefined is left out. */
  sign: (claims: Record<string, unknown>, header?: Record<string, unknown>) => Promise<string>;
  publicKey: JWK;
}

const seconds = (): number => Math.floor(Date.now() / 1000);

export async function createIssuer({
  issuer = 'https://issuer.example',
  audience = 'clinic',
  keyId = 'key-1',
} = {}): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: keyId, alg: 'ES256', use: 'sig' };
  return {
    publicKey: jwk,
    entry: { issuer, audience, jwks: { keys: [jwk] }, algorithms: ['ES256'], roleClaim: '/role' },
    sign: (claims, header = {}) =>
      signWith(privateKey, {
        claims: {
          iss: issuer,
          aud: audience,
          sub: 'somebody',
          iat: seconds(),
          exp: seconds() + 600,
          ...claims,
        },
        header: { alg: 'ES256', kid: keyId, ...header },
      }),
  };
}

const signWith = (
  key: CryptoKey | Uint8Array,
  { claims, header }: { claims: Record<string, unknown>; header: Record<string, unknown> },
): Promise<string> =>
  new SignJWT(JSON.parse(JSON.stringify(claims)) as JWTPayload)
    .setProtectedHeader(header as { alg: string })
    .sign(key);

/** A token that is signed with a secret: the issuer's public key, which everybody knows. */
export const signWithPublicKey = (
  { publicKey, entry }: TestIssuer,
  claims: Record<string, unknown>,
): Promise<string> =>
  signWith(new TextEncoder().encode(JSON.stringify(publicKey)), {
    claims: {
      iss: entry.issuer,
      aud: entry.audience,
      sub: 'somebody',
      iat: seconds(),
      exp: seconds() + 600,
      ...claims,
    },
    header: { alg: 'HS256', kid: 'key-1' },
  });

/** A token that nobody signed. */
export function unsigned({ entry }: TestIssuer, claims: Record<string, unknown>): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const payload = {
    iss: entry.issuer,
    aud: entry.audience,
    sub: 'somebody',
    iat: seconds(),
    exp: seconds() + 600,
  };
  return `${part({ alg: 'none' })}.${part({ ...payload, ...claims })}.`;
}
