import type { KeyObject } from 'node:crypto';
import {
  announcedKeySchema,
  type Checkpoint,
  checkpointSchema,
  isSignedBy,
  readPublicKey,
} from './checkpoint.ts';

/** What was kept outside of a service's chain: its checkpoints, each with a good signature. */
export interface Evidence {
  checkpoints: readonly Checkpoint[];
  /** Ids of the keys that were trusted because the same lines announced them. */
  trusted: readonly string[];
  /** Checkpoints of other keys, which nobody can check. */
  unknown: number;
}

function parse(line: string): Record<string, unknown> | undefined {
  // Most lines of a log are others, and parsing is what costs.
  if (!line.includes('"checkpoint"') && !line.includes('"auditKey"')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads the checkpoints of a service from the lines of its log; other lines are passed over.
 * @param key PEM of the key that signed them; without one the keys are believed that the lines announce
 * @throws Error when a checkpoint was not signed by the key that it names
 */
export function readEvidence(lines: readonly string[], service: string, key: string | undefined): Evidence {
  const keys = new Map<string, KeyObject>();
  const entries = lines.map(parse);
  if (key !== undefined) {
    const read = readPublicKey(key);
    keys.set(read.keyId, read.key);
  } else {
    for (const entry of entries) {
      const announced = announcedKeySchema.safeParse(entry?.auditKey);
      if (!announced.success) continue;
      const read = readPublicKey(announced.data.publicKey);
      keys.set(read.keyId, read.key);
    }
  }
  const checkpoints: Checkpoint[] = [];
  let unknown = 0;
  entries.forEach((entry, index) => {
    const { success, data } = checkpointSchema.safeParse(entry?.checkpoint);
    if (!success || data.service !== service) return;
    const signer = keys.get(data.keyId);
    if (signer === undefined) unknown += 1;
    else if (isSignedBy(signer, data)) checkpoints.push(data);
    else throw new Error(`line ${index + 1} holds a checkpoint that key ${data.keyId} did not sign`);
  });
  checkpoints.sort((a, b) => a.position - b.position);
  return { checkpoints, trusted: key === undefined ? [...keys.keys()] : [], unknown };
}
