import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** What a signature vouches for: that the chain of a service had this hash at this position. */
const content = z.strictObject({
  service: z.string(),
  position: z.int().positive(),
  entryId: z.string(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  time: z.string(),
  keyId: z.string(),
  /** The month, as `2026-11`, whose last entry this is: without it, no link before the next one may be missing. */
  endOf: z.string().optional(),
});

export const checkpointSchema = content.extend({ signature: z.string() });
export type Checkpoint = z.output<typeof checkpointSchema>;

/** A public key as its holder announces it: DER of its SubjectPublicKeyInfo in base64. */
export const announcedKeySchema = z.strictObject({ keyId: z.string(), publicKey: z.string() });
export type AnnouncedKey = z.output<typeof announcedKeySchema>;

export interface SigningKey extends AnnouncedKey {
  privateKey: KeyObject;
}

const derOf = (publicKey: KeyObject): Buffer => publicKey.export({ type: 'spki', format: 'der' });

const keyIdOf = (publicKey: KeyObject): string =>
  createHash('sha256').update(derOf(publicKey)).digest('hex').slice(0, 16);

function signingKey(privateKey: KeyObject): SigningKey {
  const publicKey = createPublicKey(privateKey);
  return { privateKey, keyId: keyIdOf(publicKey), publicKey: derOf(publicKey).toString('base64') };
}

export const makeSigningKey = (): SigningKey => signingKey(generateKeyPairSync('ed25519').privateKey);

/** @throws Error that names the variable and says what is wrong with the file */
export function readSigningKey(file: string, name: string): SigningKey {
  let pem: Buffer;
  try {
    pem = readFileSync(file);
  } catch (error) {
    throw new Error(`${name} names a file that cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    // It is told below, without what the file holds.
  }
  if (key?.asymmetricKeyType !== 'ed25519')
    throw new Error(`${name} must name a file with an Ed25519 private key in PEM`);
  return signingKey(key);
}

/** A public key that may prove checkpoints, by its id: from PEM (of the private key too), or as it was announced. */
export function readPublicKey(text: string): { keyId: string; key: KeyObject } {
  const key = text.includes('-----BEGIN')
    ? createPublicKey(text)
    : createPublicKey({ key: Buffer.from(text, 'base64'), type: 'spki', format: 'der' });
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('it is no Ed25519 key');
  return { keyId: keyIdOf(key), key };
}

const signedBytes = ({ service, position, entryId, hash, time, keyId, endOf }: z.output<typeof content>) =>
  Buffer.from(JSON.stringify([service, position, entryId, hash, time, keyId, endOf ?? null]));

export function signCheckpoint(
  { privateKey, keyId }: SigningKey,
  claim: Omit<z.output<typeof content>, 'keyId'>,
): Checkpoint {
  const signed = { ...claim, keyId };
  return { ...signed, signature: sign(null, signedBytes(signed), privateKey).toString('base64') };
}

export const isSignedBy = (key: KeyObject, checkpoint: Checkpoint): boolean =>
  verify(null, signedBytes(checkpoint), key, Buffer.from(checkpoint.signature, 'base64'));
