import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeSigningKey } from '../shared/audit/checkpoint.ts';
import { writeSecret } from './issuer.ts';

/** The key of a data folder that signs checkpoints of both audit trails; the first call makes it. For AUDIT_KEY_FILE. */
export async function makeAuditKey(dataFolder: string): Promise<string> {
  const folder = join(dataFolder, 'audit');
  const file = join(folder, 'key.pem');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(file))
    await writeSecret(file, String(makeSigningKey().privateKey.export({ type: 'pkcs8', format: 'pem' })));
  return file;
}
