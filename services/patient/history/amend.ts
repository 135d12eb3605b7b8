import type { Database } from '../../shared/db/database.ts';
import type { Answer } from '../../shared/http/answer.ts';
import { patched } from '../../shared/http/merge-patch.ts';
import { requireVersion } from '../../shared/http/version.ts';
import { type Kept, once } from '../../shared/idempotency/once.ts';
import { invalidRequest } from '../../shared/problem/problem.ts';
import type { Scope } from '../access.ts';
import { keepPatient, stillReaches } from '../patients/store.ts';
import { amendedEntry, noSuchEntry, serverMade, superseded } from './entry.ts';
import { appendEntry } from './record.ts';
import { findEntry, findVisit } from './store.ts';

/**
 * Adds an entry that supersedes another: what the body says, the rest as it was; null removes a member.
 * @throws not-found, version-mismatch, already-amended, invalid-request
 */
export const amendEntry = (
  db: Database,
  { patientId, entryId }: { patientId: string; entryId: string },
  {
    body,
    ifMatch,
    by,
    scope,
    ...kept
  }: Kept & {
    body: unknown;
    ifMatch: string | undefined;
    by: string;
    scope: Scope;
  },
): Promise<Answer> =>
  once(
    db,
    kept,
    async (tx) => {
      await keepPatient(tx, patientId, scope);
      const found = await findEntry(tx, patientId, entryId);
      if (found === undefined) {
        if ((await findVisit(tx, patientId, entryId)) === undefined) throw noSuchEntry();
        throw invalidRequest([
          { pointer: '#', detail: 'a visit follows from its appointment and cannot be amended' },
        ]);
      }
      requireVersion(ifMatch, found.version);
      const current = JSON.parse(found.json);
      // Two at once both get here; the constraint lets one of them pass.
      if (current.supersededBy !== undefined) throw superseded();
      const entry = patched({ schema: amendedEntry, current, body, serverMade });
      return appendEntry(tx, { patientId, entry, supersedes: entryId, by });
    },
    stillReaches(patientId, scope),
  );
