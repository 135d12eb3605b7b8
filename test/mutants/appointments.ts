import { edits, type Mutant } from './mutant.ts';

const appointments = (name: string): string => `services/patient/appointments/${name}.ts`;
const [OUTBOX, STORE, SETTLE, SETTLER, CLAIMS, BOOK] = [
  'outbox-store',
  'store',
  'settle',
  'settler',
  'settler-store',
  'book',
].map(appointments) as [string, string, string, string, string, string];

const BOOKING = ['appointments/book'];
const CHANGES = ['appointments/change'];
const RECORDING = ['appointments/recording', 'failures/changes'];
const REPLICAS = ['failures/replicas', 'services/replicas'];
const REMOVAL = ['patients/remove'];
const SETTLERS = ['appointments/settler.int', 'appointments/settler-claims'];

const one = edits();

/** What the patient service remembers of a wish and of its answer. */
const records: readonly Mutant[] = [
  one(
    'no compare-and-set: an answer is recorded whatever the present revision is',
    OUTBOX,
    `'a.id = $1 and a.revision = $2 and a.answered_revision < $2'`,
    `'a.id = $1 and a.answered_revision < $2'`,
    ...RECORDING,
  ),
  one('an answer is recorded again', OUTBOX, ' and a.answered_revision < $2', '', ...REPLICAS),
  one(
    'a plain insert of a booking, which raises',
    OUTBOX,
    '     on conflict do nothing\n     returning appointment_id',
    '     returning appointment_id',
    ...BOOKING,
  ),
  one(
    'a plain insert of a wish, which raises',
    OUTBOX,
    '   on conflict do nothing\n   returning revision',
    '   returning revision',
    ...CHANGES,
  ),
  one(
    'a refusal goes on holding the patient’s time',
    OUTBOX,
    `set outcome = 'refused', reason = $3, holds = false`,
    `set outcome = 'refused', reason = $3`,
    ...BOOKING,
  ),
  one(
    'a cancellation goes on holding the patient’s time',
    OUTBOX,
    `set holds = false, outcome = coalesce`,
    'set outcome = coalesce',
    ...CHANGES,
  ),
  one(
    'a granted reschedule goes on holding the old time',
    OUTBOX,
    'holds = r.holds and r.revision = $2',
    'holds = r.holds',
    ...CHANGES,
  ),
  one(
    'a waiting reschedule holds no time',
    OUTBOX,
    'values ($1, $2, $3, $4::uuid, $5, $6, $4::uuid is not null, $7)',
    'values ($1, $2, $3, $4::uuid, $5, $6, false, $7)',
    ...CHANGES,
  ),
  one(
    'a cancellation asks for no release',
    OUTBOX,
    `set status = 'cancelled', revision = $2,`,
    `set status = 'cancelled', revision = $2, answered_revision = $2,`,
    ...CHANGES,
  ),
];

const locks: readonly Mutant[] = [
  one('booking does not keep its patient', OUTBOX, ' for key share\n', '\n', ...REMOVAL),
  one(
    'changing an appointment does not keep its patient',
    STORE,
    'for update of a for key share of p',
    'for update of a',
    ...REMOVAL,
  ),
  one(
    'changing an appointment does not lock it',
    STORE,
    'for update of a for key share of p',
    'for key share of p',
    ...CHANGES,
  ),
  one(
    'recording history does not keep its patient',
    'services/patient/patients/store.ts',
    ' for key share`',
    '`',
    ...REMOVAL,
  ),
  one(
    'deleting a patient does not wait for bookings',
    'services/patient/patients/store.ts',
    ' from patients where id = $1 for update',
    ' from patients where id = $1',
    ...REMOVAL,
  ),
];

/** A timeout is "unknown", never "no". */
const timeouts: readonly Mutant[] = [
  one(
    'undo on timeout: no answer is a refusal',
    SETTLE,
    '  // Recorded only while',
    `  if (said.kind === 'unanswered') return { said, told: await record(db, wish, { outcome: 'refused', reason: 'slot-taken' }) };\n  // Recorded only while`,
    ...CHANGES,
  ),
  one(
    'undo on timeout: the release of what was asked for',
    SETTLE,
    '  // Recorded only while',
    `  if (said.kind === 'unanswered') await doctors.ask({ ...wish, wanted: null });\n  // Recorded only while`,
    'failures/booking',
  ),
  one(
    'no answer is a yes',
    SETTLE,
    `if (said.kind === 'granted') return`,
    `if (said.kind !== 'refused') return`,
    ...CHANGES,
  ),
  {
    name: 'bookings that wait are cancelled after a quarter of an hour',
    edits: [
      {
        file: CLAIMS,
        find: 'and starts_at <= now() and next_try_at',
        put: `and (starts_at <= now() or created_at < now() - interval '15 minutes') and next_try_at`,
      },
      { file: appointments('cancel'), find: ` || !present.started) return`, put: ') return' },
    ],
    tests: SETTLERS,
  },
];

const keys: readonly Mutant[] = [
  {
    name: 'the key commits after its booking',
    edits: [
      {
        file: BOOK,
        find: `  await insertKey(tx.last, key, { resourceId: wish.appointmentId, revision: wish.revision });\n`,
        put: '',
      },
      {
        file: BOOK,
        find: `  return 'earlier' in opened ? opened.earlier`,
        put: `  if (!('earlier' in opened)) await insertKey(parts.db, key, { resourceId: wish.appointmentId, revision: 1 });\n  return 'earlier' in opened ? opened.earlier`,
      },
    ],
    tests: ['failures/booking'],
  },
  one(
    'the answer of a key is not stored with the outcome',
    SETTLE,
    'return keyed ? db.tx((tx) => recordIn(tx, tx.last)) : recordIn(db, db);',
    'return recordIn(db, db);',
    'failures/recording',
  ),
  one(
    'an overtaken booking leaves its key unanswered',
    appointments('cancel'),
    '  if (!present.settled) await answerOvertaken(tx, present);\n',
    '',
    ...CHANGES,
  ),
  one(
    'requests with one key do not wait for each other',
    'services/shared/idempotency/store.ts',
    `pg_try_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 1)) as free`,
    '($1 || $2) is not null as free',
    'idempotency/once',
  ),
];

/** The settler, on any number of replicas. */
const settlers: readonly Mutant[] = [
  one(
    'a claim waits for what is locked',
    CLAIMS,
    'order by next_try_at limit $1 for update skip locked)',
    'order by next_try_at limit $1 for update)',
    ...SETTLERS,
  ),
  one(
    'a claim locks nothing',
    CLAIMS,
    'order by next_try_at limit $1 for update skip locked)',
    'order by next_try_at limit $1)',
    ...SETTLERS,
  ),
  one(
    'a claim does not put the next try off',
    CLAIMS,
    `next_try_at = now() + \${BACKOFF}\n`,
    'next_try_at = next_try_at\n',
    ...SETTLERS,
  ),
  one(
    'no backoff',
    CLAIMS,
    `next_try_at = now() + \${BACKOFF}\n`,
    `next_try_at = now() + interval '1 second'\n`,
    ...SETTLERS,
  ),
  one('no jitter', CLAIMS, `* (1 - \${jitter} * random())`, '', ...SETTLERS),
  one(
    'no single probes while nobody answers',
    SETTLER,
    '(answering ? settleDue({ db, doctors, learn, signal }) : probe())',
    'settleDue({ db, doctors, learn, signal })',
    ...SETTLERS,
  ),
  one(
    'the first answer makes nothing due',
    SETTLER,
    '    await makeAllDue(db, WAKE_AT_MOST);\n',
    '',
    ...SETTLERS,
  ),
  one('a contradiction is asked about for ever', CLAIMS, ` and contradiction is null';`, `';`, ...SETTLERS),
];

const RECONCILE = appointments('reconcile');
const RESTORE = 'failures/restore';

/** Mending after a restore. */
const repairs: readonly Mutant[] = [
  one(
    'a repair takes the patient side’s next revision',
    RECONCILE,
    'Math.max(kept.revision, reserved?.revision ?? 0) + 1',
    'kept.revision + 1',
    RESTORE,
  ),
  one(
    'a repair takes the doctor side’s next revision',
    RECONCILE,
    'Math.max(kept.revision, reserved?.revision ?? 0) + 1',
    '(reserved?.revision ?? 0) + 1',
    RESTORE,
  ),
  one(
    'a repair releases an unknown appointment with its own revision',
    RECONCILE,
    'revision: revision + 1, wanted: null',
    'revision, wanted: null',
    RESTORE,
  ),
  one('a repair stores no wish', RECONCILE, 'await insertWish(tx, wish, patientId)', 'true', RESTORE),
  one(
    'what was cancelled wants its time',
    appointments('reconcile-store'),
    `('cancelled', 'rejected')`,
    `('rejected')`,
    RESTORE,
  ),
];

export const appointmentMutants: readonly Mutant[] = [
  ...records,
  ...locks,
  ...timeouts,
  ...keys,
  ...settlers,
  ...repairs,
];
