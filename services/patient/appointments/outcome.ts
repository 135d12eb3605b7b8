import { type Answer, created, ok, type Representation } from '../../shared/http/answer.ts';
import { isKept, keptProblem } from '../../shared/idempotency/once.ts';
import { Problem } from '../../shared/problem/problem.ts';
import { type RefusalReason, refusalProblem } from './refusal.ts';

/** What a revision was made by: the first is the booking; a later one wants another time, or none. */
export type Change = 'book' | 'reschedule' | 'cancel';

export const changeOf = ({ revision, wanted }: { revision: number; wanted: object | null }): Change =>
  wanted === null ? 'cancel' : revision === 1 ? 'book' : 'reschedule';

/** What the doctor service said to a revision; null is nothing yet, and `superseded` that a cancellation overtook it. */
export type Outcome =
  | { outcome: 'granted' | 'superseded' | null }
  | { outcome: 'refused'; reason: RefusalReason };

const locationOf = (id: string): string => `/appointments/${id}`;

const accepted = (representation: Representation): Answer => {
  const { headers, ...answer } = ok(representation);
  return {
    ...answer,
    status: 202,
    headers: { ...headers, location: locationOf(representation.id), 'retry-after': '1' },
  };
};

/** What the client of a change is told while the doctor service has not answered. */
export const whileUnanswered = (change: Change, representation: Representation): Answer =>
  // A cancellation holds at once, whether or not the doctor service has been told.
  change === 'cancel' ? ok(representation) : accepted(representation);

/** What the client of a change is told, by the outcome of its own revision: an answer, or a problem. */
export function answerTo(change: Change, outcome: Outcome, representation: Representation): Answer | Problem {
  if (change === 'cancel') return whileUnanswered(change, representation);
  if (outcome.outcome === 'refused') return refusalProblem(outcome.reason, representation.id);
  if (outcome.outcome !== 'granted') return whileUnanswered(change, representation);
  return change === 'book' ? created(locationOf(representation.id), representation) : ok(representation);
}

/** The answer that stays with the key of a change; undefined when the key is to be forgotten. */
export function keptAnswer(answer: Answer | Problem): Answer | undefined {
  if (!(answer instanceof Problem)) return answer;
  return isKept(answer.status, answer.type) ? keptProblem(answer) : undefined;
}
