import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { CannotStart } from './cannot-start.ts';

const ISSUER = 'urn:clinic:laptop';
const AUDIENCE = 'clinic';
const ALGORITHM = 'EdDSA';

/** Signs tokens for this machine alone, with a key that stays in its data folder. */
export interface LocalIssuer {
  /** For AUTH_ISSUERS_FILE. */
  issuersFile: string;
  /** Where the patient service's own token is put; it is renewed before it expires. */
  serviceTokenFile: string;
  sign: (claims: Readonly<Record<string, string>>, minutes: number) => Promise<string>;
}

const folderOf = (dataFolder: string): string => join(dataFolder, 'auth');
const keyFileOf = (dataFolder: string): string => join(folderOf(dataFolder), 'key.json');

/** In one step, readable by us alone: whoever reads it at the same time finds the old content or the new. */
export async function writeSecret(file: string, content: string): Promise<void> {
  await writeFile(`${file}.new`, content, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** The issuer of a data folder; the first call makes its key. */
export async function makeLocalIssuer(dataFolder: string): Promise<LocalIssuer> {
  await mkdir(folderOf(dataFolder), { recursive: true, mode: 0o700 });
  if (!existsSync(keyFileOf(dataFolder))) {
    const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
    await writeSecret(keyFileOf(dataFolder), JSON.stringify(await exportJWK(privateKey)));
  }
  const issuer = await openLocalIssuer(dataFolder);
  const { d: _private, ...publicKey } = await readKey(dataFolder);
  const entry = {
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms: [ALGORITHM],
    jwks: { keys: [{ ...publicKey, kid: await calculateJwkThumbprint(publicKey) }] },
    roleClaim: '/role',
  };
  await writeSecret(issuer.issuersFile, JSON.stringify([entry], null, 2));
  return issuer;
}

/** @throws CannotStart when there is no key yet */
export async function openLocalIssuer(dataFolder: string): Promise<LocalIssuer> {
  const key = await readKey(dataFolder);
  const kid = await calculateJwkThumbprint(key);
  const signingKey = await importJWK(key, ALGORITHM);
  return {
    issuersFile: join(folderOf(dataFolder), 'issuers.json'),
    serviceTokenFile: join(folderOf(dataFolder), 'patient-service.token'),
    sign: (claims, minutes) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: ALGORITHM, kid })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(`${minutes} minutes`)
        .sign(signingKey),
  };
}

async function readKey(dataFolder: string): Promise<JWK> {
  const content = await readFile(keyFileOf(dataFolder), 'utf8').catch(() => {
    throw new CannotStart(`There is no key in ${folderOf(dataFolder)}: run npm start -- --auth first.`);
  });
  return JSON.parse(content) as JWK;
}

const SERVICE_TOKEN_MINUTES = 10;
const RENEW_MS = 4 * 60_000;

/** Puts the patient service's token where it reads it, and renews it until `stop`. */
export async function keepServiceToken(issuer: LocalIssuer): Promise<{ stop: () => void }> {
  const renew = async () =>
    writeSecret(
      issuer.serviceTokenFile,
      await issuer.sign({ sub: 'patient-service', role: 'service' }, SERVICE_TOKEN_MINUTES),
    );
  await renew();
  // One that fails is tried again while the old token is still good.
  const timer = setInterval(() => void renew().catch(() => undefined), RENEW_MS);
  return { stop: () => clearInterval(timer) };
}
