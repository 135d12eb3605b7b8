import type { Reply } from '../../services/testing/load.ts';
import type { Operation, State, Time } from './history.ts';

/** These tell about the moment: the same question may get another answer. */
const PASSING = new Set(['request-in-progress', 'change-in-progress']);

/** Whether an answer is the last word on a question: its key keeps it. */
export const isDecided = ({ status, problem = '' }: Pick<Reply, 'status' | 'problem'>): boolean =>
  (status >= 200 && status < 300) || (status === 409 && !PASSING.has(problem));

/** Whether an answer may come while something is dead: anything else is a defect. */
export const isExpected = (reply: Pick<Reply, 'status' | 'problem'>): boolean =>
  isDecided(reply) || reply.status === 503 || (reply.status === 409 && PASSING.has(reply.problem ?? ''));

export const idIn = ({ text }: Pick<Reply, 'text'>): string | undefined =>
  /"(?:id|appointmentId)":"([0-9a-f-]{36})"/.exec(text)?.[1];

export const revisionIn = ({ text }: Pick<Reply, 'text'>): number =>
  Number(/"revision":(\d+)/.exec(text)?.[1] ?? Number.NaN);

/** Whether an answer says that the doctor service still owes one. */
export const isWaiting = ({ status, text }: Reply): boolean =>
  status === 202 || (status === 200 && text.includes('"settled":false'));

/**
 * Why an answer to a question that was answered before is another one; undefined if it is the same. Where the first told that it
 * waits, the next may tell the outcome: what the database is told while it is away, no key keeps.
 */
export function differenceOf(first: Reply, again: Reply): string | undefined {
  const isSame =
    first.status === again.status &&
    first.problem === again.problem &&
    (again.status >= 300 || first.text === again.text);
  if (isSame) return undefined;
  if (isWaiting(first) && !isWaiting(again) && idIn(first) === idIn(again)) return undefined;
  return `${first.status} ${first.problem ?? ''} became ${again.status} ${again.problem ?? ''}`;
}

/** The states that an appointment may be in after an answer; empty where there is none; undefined when it cannot be answered so. */
export function statesAfter(
  { kind, wanted, appointment }: Pick<Operation, 'kind' | 'wanted' | 'appointment'>,
  answer: Pick<Reply, 'status' | 'problem' | 'text'>,
): readonly State[] | undefined {
  const before = appointment?.may ?? [];
  const { status, problem } = answer;
  const isRefusal = status === 409 && (problem === 'slot-taken' || problem === 'patient-busy');
  const all = (next: State['status']): State[] => before.map((state) => ({ ...state, status: next }));
  switch (kind) {
    case 'book': {
      if (wanted === undefined) return undefined;
      const [booked, rejected]: State[] = [
        { ...wanted, status: 'booked' },
        { ...wanted, status: 'rejected' },
      ];
      if (booked === undefined || rejected === undefined) return undefined;
      if (status === 201) return [booked];
      if (status === 202) return [booked, rejected];
      if (problem === 'slot-taken' && status === 409) return [rejected];
      return isRefusal ? [] : undefined;
    }
    case 'reschedule': {
      if (wanted === undefined) return undefined;
      const moved: State = { ...wanted, status: 'booked' };
      if (status === 200) return [moved];
      if (status === 202) return [...before, moved];
      return isRefusal ? before : undefined;
    }
    case 'cancel':
      if (status === 200) return all('cancelled').slice(0, 1);
      // It was refused meanwhile.
      if (problem === 'invalid-transition') return before.filter((state) => state.status === 'rejected');
      return undefined;
    case 'check-in':
      return status === 200 ? all('arrived') : undefined;
    case 'undo':
      return status === 200 ? all('booked') : undefined;
    case 'read':
      return status === 200 ? before : undefined;
  }
}

/** What is left of the states that an appointment may be in, once it is known that it was not moved to the time it wanted. */
export const unmoved = (may: readonly State[], wanted: Time | undefined): readonly State[] =>
  may.filter(
    // A cancelled one has no time that could tell.
    (state) => !takesTime(state) || wanted === undefined || !fits(state, { ...state, ...wanted }),
  );

const takesTime = ({ status }: { status: string }): boolean =>
  status !== 'cancelled' && status !== 'rejected';

/** Whether an appointment as it is fits what it may be. Instants are compared as such: texts differ. */
export const fits = (state: Time & { status: string }, may: State): boolean =>
  state.status === may.status &&
  (!takesTime(may) ||
    (state.doctorId === may.doctorId &&
      Date.parse(state.startsAt) === Date.parse(may.startsAt) &&
      state.durationMinutes === may.durationMinutes));
