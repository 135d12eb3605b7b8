// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is found and put are texts of the sources
import { edits, type Mutant } from './mutant.ts';

const shared = (name: string): string => `services/shared/${name}.ts`;

const one = edits('shared/auth/', 'services/access.int');

const VERIFY = shared('auth/verify');
const CALLER = shared('auth/authenticate');
const option = (name: string, find: string, put = ''): Mutant => one(`jwtVerify: ${name}`, VERIFY, find, put);
const all = `['exp', 'iat', 'sub']`;

/** Who a token makes its sender. */
export const tokenMutants: readonly Mutant[] = [
  option('no issuer', '        issuer: issuer.issuer,\n'),
  option('no audience', '        audience: issuer.audience,\n'),
  option('no algorithms', '        algorithms: issuer.algorithms,\n'),
  option('no typ', '        ...(issuer.typ === undefined ? {} : { typ: issuer.typ }),\n'),
  ...['exp', 'iat', 'sub'].map((claim) =>
    option(
      `${claim} is not required`,
      all,
      all.replace(new RegExp(`(, )?'${claim}'`), '').replace('[, ', '['),
    ),
  ),
  option('an hour of tolerance', 'CLOCK_TOLERANCE_SECONDS = 5;', 'CLOCK_TOLERANCE_SECONDS = 3_600;'),
  option(
    'a remembered token has no end',
    '((verified.claims.exp ?? 0) + CLOCK_TOLERANCE_SECONDS) * 1_000',
    'Number.POSITIVE_INFINITY',
  ),
  option(
    'what was verified outlives the keys',
    'const verified = isStale ? undefined : entry',
    'const verified = isStale && now < 0 ? undefined : entry',
  ),
  option(
    'what was verified with older keys is believed',
    'if (!isDeepStrictEqual(jwks, entry.verifiedWith)) entry.verified.clear();',
    'void isDeepStrictEqual;',
  ),
  option('denied subjects pass', 'denyList.denies(sub) || ', ''),
  option('denied tokens pass', ' || (jti !== undefined && denyList.denies(jti))', ''),
  option('tokens of any length', "if (token.length > MAX_TOKEN_LENGTH) throw tokenRefused('malformed');", ''),
  one(
    'several roles are one',
    CALLER,
    'if (role === undefined || others.length > 0)',
    'if (role === undefined)',
  ),
  one('the own record may be missing', CALLER, 'if (!own.success)', 'if (false)'),
  one('two issuers share their subjects', CALLER, '`${issuer.issuer}#${claims.sub}`', 'claims.sub'),
];
