import { fits, idIn, revisionIn } from './answer.ts';
import type { History, Operation, Time } from './history.ts';
import type { AppointmentRow, Outcomes } from './rows.ts';

type Broken = History['broken'];

/**
 * Holds what was answered against what both databases say, once every question is decided and every appointment settled.
 * An appointment that might have been several things is from then on what its row says.
 */
export function findContradictions(
  { operations, appointments }: Pick<History, 'operations' | 'appointments'>,
  rows: readonly AppointmentRow[],
  outcomes: Outcomes,
): Broken {
  const present = new Map(rows.map((row) => [row.id, row]));
  return [
    ...keysBroken({ operations, appointments }, rows),
    ...operations.flatMap((operation) => bookingBroken(operation, present)),
    ...statesBroken(appointments, present),
    ...outcomesBroken(outcomes, new Set(rows.filter(({ settled }) => !settled).map(({ id }) => id))),
    ...operations.flatMap((operation) => answerBroken(operation, outcomes)),
  ];
}

/** I5: one key, one appointment; none that nobody asked for, and none where the answer was that there is none. */
function keysBroken(
  { operations, appointments }: Pick<History, 'operations' | 'appointments'>,
  rows: readonly AppointmentRow[],
): Broken {
  const broken: Broken = [];
  const asked = new Map(operations.map((operation) => [operation.key, operation]));
  const first = new Map<string, string>();
  for (const { id, key } of rows) {
    const other = first.get(key);
    if (other !== undefined)
      broken.push({ rule: 'I5', what: `key ${key} made two appointments, ${other} and ${id}` });
    first.set(key, id);
    const operation = asked.get(key);
    if (operation === undefined && !appointments.has(id))
      broken.push({ rule: 'I5', what: `nobody asked for appointment ${id}` });
    if (operation?.answer?.problem === 'patient-busy')
      broken.push({ rule: 'I4', what: `key ${key} was told patient-busy and has appointment ${id}` });
  }
  return broken;
}

/** I4: what was acknowledged is there. */
function bookingBroken(
  { kind, key, answer }: Operation,
  present: ReadonlyMap<string, AppointmentRow>,
): Broken {
  const id = kind === 'book' && answer !== undefined ? idIn(answer) : undefined;
  if (id === undefined) return [];
  const row = present.get(id);
  if (row?.key === key) return [];
  const what = row === undefined ? 'which is lost' : 'which another key made';
  return [{ rule: 'I4', what: `key ${key} was answered ${answer?.status} with appointment ${id}, ${what}` }];
}

/** I4: an appointment is what its client was told, or one of what it was told may be. */
function statesBroken(
  appointments: History['appointments'],
  present: ReadonlyMap<string, AppointmentRow>,
): Broken {
  const broken: Broken = [];
  for (const appointment of appointments.values()) {
    const { id, may } = appointment;
    const row = present.get(id);
    const found = row === undefined ? undefined : may.find((state) => fits(row, state));
    if (found !== undefined) {
      appointment.may = [found];
      continue;
    }
    const is = row === undefined ? 'lost' : textOf(row);
    const told = may.map(textOf);
    broken.push({
      rule: 'I4',
      what: `appointment ${id} is ${is}, and its client was told ${told.join(' or ')}`,
    });
  }
  return broken;
}

export const textOf = ({ status, doctorId, startsAt, durationMinutes }: Time & { status: string }): string =>
  `${status} with ${doctorId} at ${startsAt} for ${durationMinutes} minutes`;

const FITTING: Readonly<Record<string, readonly (string | undefined)[]>> = {
  granted: ['active', 'released'],
  refused: ['refused'],
  superseded: [undefined, 'active', 'released', 'refused'],
};

/** I7: both sides keep the same answer to each revision. */
function outcomesBroken({ patient, doctor }: Outcomes, unsettled: ReadonlySet<string>): Broken {
  const broken: Broken = [];
  for (const [revision, outcome] of patient) {
    const state = doctor.get(revision);
    if (outcome === null) {
      // What is not settled was told already.
      if (!unsettled.has(revision.split(' ')[0] ?? ''))
        broken.push({ rule: 'I6', what: `${revision} is settled and has no outcome` });
    } else if (!FITTING[outcome]?.includes(state))
      broken.push({
        rule: 'I7',
        what: `${revision} is ${outcome} here and ${state ?? 'unknown'} with the doctor`,
      });
  }
  for (const revision of doctor.keys())
    if (!patient.has(revision)) broken.push({ rule: 'I7', what: `${revision} was answered and never asked` });
  return broken;
}

/** I7: what a client was told of a revision is what both sides keep of it. */
function answerBroken({ kind, key, answer }: Operation, { patient }: Outcomes): Broken {
  if (answer === undefined)
    // A read has no key and is not sent again.
    return kind === 'read'
      ? []
      : [{ rule: 'I6', what: `${kind} ${key} is not answered after everything was healed` }];
  const id = idIn(answer);
  if (id === undefined) return [];
  const isGranted =
    (kind === 'book' && answer.status === 201) || (kind === 'reschedule' && answer.status === 200);
  const isRefused = kind === 'book' && answer.status === 409;
  if (!isGranted && !isRefused) return [];
  const revision = `${id} ${isGranted ? revisionIn(answer) : 1}`;
  const told = isGranted ? 'granted' : 'refused';
  const outcome = patient.get(revision);
  return outcome === told
    ? []
    : [{ rule: 'I7', what: `key ${key} was told that ${revision} is ${told}, and it is ${outcome}` }];
}
