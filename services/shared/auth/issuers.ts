import { readFileSync } from 'node:fs';
import { z } from 'zod';

// Symmetric ones are missing on purpose: with them a public key would be a signing secret (RFC 8725 §3.1).
const ASYMMETRIC = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

/** A JSON Pointer (RFC 6901) into the token's claims. */
const pointer = z
  .string()
  .regex(/^(\/([^~/]|~[01])*)+$/, 'must be a JSON Pointer such as /realm_access/roles');

const issuerSchema = (roles: readonly string[]) =>
  z
    .strictObject({
      /** Compared exactly with the token's `iss`. It is a part of each subject that the audit trail stores. */
      issuer: z.string().regex(/^[^\p{Cc}\p{Cs}]+$/u, 'must be text without control characters'),
      audience: z.string().min(1),
      /** Where the issuer's keys are, or the keys themselves. */
      jwksUri: z.url({ protocol: /^https?$/ }).optional(),
      jwks: z
        .looseObject({ keys: z.array(z.looseObject({ kty: z.enum(['RSA', 'EC', 'OKP']) })).min(1) })
        .optional(),
      algorithms: z.array(z.enum(ASYMMETRIC)).min(1).default(['RS256', 'ES256', 'EdDSA']),
      /** What the token's header must say it is, such as `at+jwt`; not every issuer says it. */
      typ: z.string().min(1).optional(),
      roleClaim: pointer,
      /** The claim's values that mean a role of ours; without it, our own words. */
      roles: z.record(z.string(), z.enum(roles)).optional(),
      /** Subjects that have a role by their name, such as service accounts. */
      subjects: z.record(z.string(), z.enum(roles)).optional(),
    })
    .refine(({ jwksUri, jwks }) => (jwksUri === undefined) !== (jwks === undefined), {
      message: 'must have either jwksUri or jwks',
    });

/** Who may sign tokens, and what theirs mean. */
export type Issuer = z.output<ReturnType<typeof issuerSchema>>;

/**
 * Reads the trusted issuers from a JSON file.
 * @throws Error whose message names the file's member that is wrong
 */
export function readIssuers(file: string, roles: readonly string[]): readonly Issuer[] {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(
      `AUTH_ISSUERS_FILE names a file that ${code === undefined ? 'is not JSON' : `cannot be read: ${code}`}`,
    );
  }
  const parsed = z.array(issuerSchema(roles)).min(1).safeParse(content);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`AUTH_ISSUERS_FILE: /${issue?.path.join('/')} ${issue?.message}`);
  }
  const issuers = parsed.data.map(({ issuer }) => issuer);
  const twice = issuers.find((issuer, index) => issuers.indexOf(issuer) !== index);
  if (twice !== undefined) throw new Error(`AUTH_ISSUERS_FILE names the issuer ${twice} twice`);
  return parsed.data;
}
