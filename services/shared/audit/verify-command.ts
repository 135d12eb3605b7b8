import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Environment } from '../config/environment.ts';
import { openDatabase } from '../db/database.ts';
import type { Fault } from './chain.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type Evidence, readEvidence } from './evidence.ts';
import { type Verification, verifyTrail } from './verify.ts';

const WHAT: Readonly<Record<Fault['kind'], string>> = {
  removed: 'was removed',
  inserted: 'was inserted: it has no place in the chain',
  changed: 'is not what was sealed there: it was changed, or put in the place of another',
  rewritten: 'is not what was sealed there: the chain was written anew',
  'cut-off': 'and all that followed were cut off',
};

const nameOf = (checkpoint: Checkpoint): string =>
  `checkpoint ${checkpoint.position} of ${checkpoint.time} (key ${checkpoint.keyId})`;

/** What was found, in words. */
export function describe(verification: Verification, { trusted, unknown, checkpoints }: Evidence): string[] {
  const notes = [
    ...(trusted.length === 0
      ? []
      : [
          `trusted because the log announces them, not because anybody vouched for them: keys ${trusted.join(', ')}`,
        ]),
    ...(unknown === 0 ? [] : [`${unknown} checkpoints were signed by other keys, and could not be used`]),
  ];
  if (verification.ok) {
    const { first, last, proven, entries, waiting } = verification;
    return [
      `ok: ${entries} entries; positions ${first} to ${last} are linked, up to ${proven} proven by ${checkpoints.length} checkpoints; ${waiting} wait to be sealed`,
      ...notes,
    ];
  }
  const { fault, after, proof } = verification;
  const entry = fault.entryId === undefined ? 'the entry' : `entry ${fault.entryId}`;
  return [
    `NOT ok: at position ${fault.position} ${entry} ${WHAT[fault.kind]}`,
    after === undefined ? 'no checkpoint lies before it' : `all is well up to ${nameOf(after)}`,
    proof === undefined
      ? 'no checkpoint lies behind it: the links themselves show it'
      : `${nameOf(proof)} proves it`,
    ...notes,
  ];
}

/**
 * `audit:verify --checkpoints FILE [--key FILE]`: whether the audit trail is as it was sealed.
 * @returns the exit code: 0 when it is, 1 when it is not, 2 when nobody could look
 */
export async function runVerification(
  service: string,
  environment: Environment,
  args: readonly string[],
  write: (line: string) => void,
): Promise<0 | 1 | 2> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { checkpoints: { type: 'string' }, key: { type: 'string' } },
    });
    if (values.checkpoints === undefined)
      throw new Error('--checkpoints FILE is missing: the lines of the log that were kept');
    const url = environment.postgresUrl('DATABASE_URL');
    environment.done();
    const lines = readFileSync(values.checkpoints, 'utf8').split('\n');
    const key = values.key === undefined ? undefined : readFileSync(values.key, 'utf8');
    const evidence = readEvidence(lines, service, key);
    const db = openDatabase({ url, poolMax: 1, constraints: {}, onIdleError: () => undefined });
    try {
      const verification = await verifyTrail(db, evidence.checkpoints);
      for (const line of describe(verification, evidence)) write(line);
      if (!verification.ok) return 1;
      if (verification.last === 0 || verification.proven > 0) return 0;
      // Whoever wrote the whole chain anew would pass as well.
      write(
        `could not look: no line is a checkpoint of the ${service} service that its key has signed, so nothing is proven`,
      );
      return 2;
    } finally {
      await db.close();
    }
  } catch (error) {
    write(`could not look: ${(error as Error).message || (error as { code?: string }).code}`);
    return 2;
  }
}
