import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { endOf } from '../local/processes.ts';

const CLIENT = 'front-end';
const REDIRECT_URI = 'http://127.0.0.1/signed-in';

export interface SignedIn {
  access_token: string;
  id_token: string;
}

/** An OpenID Connect provider as a process of its own. */
export interface OpenIdProvider {
  issuer: string;
  /** Who can sign in, and which claims their access tokens have. */
  knows: (accounts: Readonly<Record<string, Readonly<Record<string, unknown>>>>) => void;
  /** What a person gets who signs in for an API, with the authorization code flow and PKCE, and agrees. */
  signIn: (login: string, resource: string) => Promise<SignedIn>;
  stop: () => Promise<void>;
}

export async function startOpenIdProvider(): Promise<OpenIdProvider> {
  const folder = mkdtempSync(path.join(tmpdir(), 'openid-'));
  const accountsFile = path.join(folder, 'accounts.json');
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'openid-provider.mjs')], {
    env: { PATH: process.env.PATH, ACCOUNTS_FILE: accountsFile, CLIENT, REDIRECT_URI },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = endOf(child);
  const failed = ended.then((end) => Promise.reject(new Error(`the provider did not start: ${end}`)));
  const [line] = await Promise.race([once(child.stdout, 'data'), failed]);
  const issuer = String(line).trim();
  return {
    issuer,
    knows: (accounts) => writeFileSync(accountsFile, JSON.stringify(accounts)),
    signIn: (login, resource) => signIn(issuer, login, resource),
    stop: async () => {
      child.stdin.end();
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

/** A browser without pages: it keeps cookies, follows redirects and fills in the provider's forms. */
async function signIn(issuer: string, login: string, resource: string): Promise<SignedIn> {
  const verifier = randomBytes(32).toString('base64url');
  const question = new URLSearchParams({
    client_id: CLIENT,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'openid use',
    resource,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const cookies = new Map<string, string>();
  const ask = async (url: string, form?: Record<string, string>): Promise<Response> => {
    const answer = await fetch(new URL(url, issuer), {
      redirect: 'manual',
      headers: { cookie: [...cookies].map((cookie) => cookie.join('=')).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    return answer;
  };
  let answer = await ask(`/auth?${question}`);
  for (let step = 0; step < 10; step += 1) {
    const location = answer.headers.get('location');
    const code = location?.startsWith(REDIRECT_URI) ? new URL(location).searchParams.get('code') : null;
    if (code !== null) {
      const form = { grant_type: 'authorization_code', client_id: CLIENT, redirect_uri: REDIRECT_URI };
      const token = await ask('/token', { ...form, code, code_verifier: verifier, resource });
      return (await token.json()) as SignedIn;
    }
    if (location === null) {
      const page = await answer.text();
      const [, action] = /<form[^>]* action="([^"]+)"/.exec(page) ?? [];
      const [, prompt] = /name="prompt" value="(\w+)"/.exec(page) ?? [];
      if (action === undefined || prompt === undefined) throw new Error(`no form to fill in: ${page}`);
      answer = await ask(action, prompt === 'login' ? { prompt, login, password: 'any' } : { prompt });
    } else answer = await ask(location);
  }
  throw new Error('the provider never came back');
}
