import { auditedMutants } from './audited.ts';
import { edits, type Mutant } from './mutant.ts';

const RECORDER = 'services/shared/audit/recorder.ts';
const SEALER_STORE = 'services/shared/audit/seal-store.ts';
const VERIFY = 'services/shared/audit/verify.ts';

const proven = edits('shared/audit/');

/** What the audit trail promises: nothing is told without an event, and no event can be bent. */
export const auditMutants: readonly Mutant[] = [
  ...auditedMutants,
  proven(
    'an event is said to be durable before it is',
    RECORDER,
    '      try {\n        await insertEvents(',
    '      for (const { resolve } of batch) resolve();\n      try {\n        await insertEvents(',
  ),
  proven(
    'any number of events waits',
    RECORDER,
    'if (waiting.length >= maxWaiting) {',
    'if (maxWaiting === 0) {',
  ),
  proven(
    'what a running transaction may still add is passed by',
    SEALER_STORE,
    'e.xid < pg_snapshot_xmin(pg_current_snapshot())',
    'true',
  ),
  proven(
    'a month is left without its checkpoint',
    'services/shared/audit/sealer.ts',
    '&& endsMonth)',
    '&& !endsMonth)',
  ),
  proven(
    'the end is left unsealed at a stop',
    'services/shared/audit/sealer.ts',
    '      await finish();\n',
    '',
  ),
  proven(
    'a link stands for its own entry only',
    'services/shared/audit/chain.ts',
    `.update(previous, 'hex')`,
    '',
  ),
  proven('the keys of an entry are not covered', SEALER_STORE, 'e.events, e.keys', 'e.events'),
  proven(
    'a chain that was written anew is believed',
    'services/shared/audit/chain.ts',
    `if (vouched !== undefined && vouched !== link.hash) return fault('rewritten');`,
    'void vouched;',
  ),
  proven(
    'an end that was cut off goes unseen',
    VERIFY,
    'if (newest !== undefined && newest.position > last)',
    'if (newest !== undefined && newest.position < 0)',
  ),
  proven(
    'an entry without a link goes unseen',
    VERIFY,
    'if (inserted !== undefined) return failed(',
    'if (inserted === null) return failed(',
  ),
  proven(
    'the application role may delete events',
    'services/shared/db/migrate.ts',
    `else 'update, delete' end`,
    `else 'update' end`,
  ),
  proven(
    'a signature is not looked at',
    'services/shared/audit/evidence.ts',
    'else if (isSignedBy(signer, data))',
    'else if (signer !== null)',
  ),
];
