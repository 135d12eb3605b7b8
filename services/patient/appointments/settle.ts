import type { Database, Db } from '../../shared/db/database.ts';
import { databaseAway } from '../../shared/db/failure.ts';
import { aside } from '../../shared/http/admission.ts';
import type { Answer, Representation } from '../../shared/http/answer.ts';
import { deleteUnanswered, setAnswer } from '../../shared/idempotency/store.ts';
import { Problem } from '../../shared/problem/problem.ts';
import type { DoctorAnswer, DoctorClient } from '../doctor-client.ts';
import {
  findOutcome,
  type OpenWish,
  recordContradiction,
  recordGranted,
  recordRefused,
} from './outbox-store.ts';
import { answerTo, changeOf, keptAnswer, type Outcome, whileUnanswered } from './outcome.ts';

export interface SettleParts {
  db: Database;
  doctors: Pick<DoctorClient, 'ask'>;
}

/** What the doctor service said, and what the client of the revision is told if this try was the one that settled it. */
export interface Settling {
  said: DoctorAnswer;
  told?: Answer | Problem | undefined;
}

/**
 * Asks the doctor service about a revision, once, and records its answer. Any number of replicas may do so at once: the same revision
 * gets the same answer, and it is recorded only while it is the present one. No transaction is open during the call.
 */
export async function settle({ db, doctors }: SettleParts, wish: OpenWish): Promise<Settling> {
  const said = await aside(doctors.ask(wish));
  if (said.kind === 'granted') return { said, told: await record(db, wish, { outcome: 'granted' }) };
  if (said.kind === 'refused')
    return { said, told: await record(db, wish, { outcome: 'refused', reason: said.reason }) };
  // Recorded only while no newer revision has overtaken this one, which is the usual reason and nothing wrong.
  if (said.kind === 'contradicted') await recordContradiction(db, wish.appointmentId, wish.revision, said.by);
  return { said };
}

/** Records an answer and, in the same transaction, that of the key that made the revision, if the key still waits for one. */
async function record(db: Database, wish: OpenWish, outcome: Outcome): Promise<Answer | Problem | undefined> {
  const { appointmentId, revision, keyed } = wish;
  const recordIn = async (tx: Db, last: Db): Promise<Answer | Problem | undefined> => {
    const settled =
      outcome.outcome === 'refused'
        ? await recordRefused(tx, appointmentId, revision, outcome.reason)
        : await recordGranted(tx, appointmentId, revision);
    if (settled === undefined) return undefined;
    const answer = answerTo(changeOf(wish), outcome, settled);
    return withKey(last, wish, answer);
  };
  return keyed ? db.tx((tx) => recordIn(tx, tx.last)) : recordIn(db, db);
}

/**
 * Stores the answer of the key that made a revision, unless one is stored; an answer that is not to be kept forgets the key.
 * @returns the first answer: the stored one, or this one
 */
export async function answerKey(
  tx: Db,
  { appointmentId, revision }: OpenWish,
  answer: Answer | Problem,
): Promise<Answer | Problem> {
  const kept = keptAnswer(answer);
  if (kept !== undefined) return (await setAnswer(tx, appointmentId, revision, kept)) ?? answer;
  await deleteUnanswered(tx, appointmentId, revision);
  return answer;
}

/** A revision that a request has just stored, and the appointment as it waits for the answer. */
export interface OpenedRevision {
  wish: OpenWish;
  waiting: Representation;
}

/** What a client is told while nobody has answered: 202, or 200 for a cancellation. */
export const toldSoFar = ({ wish, waiting }: OpenedRevision): Answer =>
  whileUnanswered(changeOf(wish), waiting);

/**
 * Settles a revision that a request has just made, and answers the request by what came of that revision.
 * @throws the doctor service's refusal
 */
export async function settleNow(parts: SettleParts, { wish, waiting }: OpenedRevision): Promise<Answer> {
  const stored = toldSoFar({ wish, waiting });
  let answer: Answer | Problem;
  try {
    const { said, told } = await settle(parts, wish);
    answer =
      told ??
      (said.kind === 'unanswered'
        ? await withKey(parts.db, wish, stored)
        : await overtakenAnswer(parts.db, wish));
  } catch (error) {
    // The wish is stored, and the settler goes on with it: a client that heard 503 would ask for what it has.
    if (databaseAway(error) === undefined) throw error;
    answer = stored;
  }
  if (answer instanceof Problem) throw answer;
  return answer;
}

const withKey = async (db: Db, wish: OpenWish, answer: Answer | Problem): Promise<Answer | Problem> =>
  wish.keyed ? answerKey(db, wish, answer) : answer;

/** Somebody else has recorded the answer meanwhile, or a cancellation has overtaken the revision. */
async function overtakenAnswer(db: Database, wish: OpenWish): Promise<Answer | Problem> {
  const found = await findOutcome(db, wish.appointmentId, wish.revision);
  if (found === undefined) throw new Error('A stored revision was not there to be answered');
  return withKey(db, wish, answerTo(changeOf(wish), found, found));
}
