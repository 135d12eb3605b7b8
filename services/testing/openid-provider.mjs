// An OpenID Connect provider that knows the people in the file ACCOUNTS_FILE, JSON of claims by login, and gives one public client
// access tokens for whatever API it names, as JWTs. Prints its issuer when it listens, and ends with its standard input.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const { ACCOUNTS_FILE: accountsFile, CLIENT: client, REDIRECT_URI: redirectUri } = process.env;
const accounts = () => JSON.parse(readFileSync(accountsFile, 'utf8'));

const server = createServer((req, res) => provider.callback()(req, res));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: client,
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
  ],
  findAccount: (_context, login) =>
    Object.hasOwn(accounts(), login) ? { accountId: login, claims: () => ({ sub: login }) } : undefined,
  extraTokenClaims: (_context, token) => accounts()[token.accountId],
  cookies: { keys: ['of this test alone'] },
  ttl: { AccessToken: 300, Grant: 300, IdToken: 300, Interaction: 300, Session: 300 },
  features: {
    // Without one, access tokens are opaque.
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, resource) => ({
        audience: resource,
        scope: 'use',
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
});
process.stdout.write(`${issuer}\n`);
process.stdin.on('end', () => process.exit()).resume();
