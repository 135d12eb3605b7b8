import { randomUUID } from 'node:crypto';
import type { Reply } from '../../services/testing/load.ts';
import { differenceOf, idIn, isDecided, isExpected, isWaiting, statesAfter, unmoved } from './answer.ts';
import { count, type History, type Operation } from './history.ts';
import type { Replica } from './replica.ts';

type Question = [method: 'GET' | 'POST', path: string, body?: object];

function questionOf({ kind, appointment, patientId, wanted, key }: Operation): Question {
  if (kind === 'book') return ['POST', '/appointments', { patientId, ...wanted, reason: key }];
  const path = `/appointments/${appointment?.id}`;
  if (kind === 'read') return ['GET', path];
  return kind === 'reschedule' ? ['POST', `${path}/${kind}`, { ...wanted }] : ['POST', `${path}/${kind}`];
}

/** Sends a question once, with its key, and records what came of it. */
export async function sendOnce(history: History, operation: Operation, replica: Replica): Promise<void> {
  const [method, path, body] = questionOf(operation);
  const requestId = randomUUID();
  const atMs = history.nowMs();
  const headers = {
    'x-request-id': requestId,
    ...(operation.kind !== 'read' && { 'idempotency-key': operation.key }),
  };
  const reply = await replica
    .caller()
    .call(method, path, body, headers)
    .catch((): Reply => ({ status: 0, headers: {}, text: '', problem: undefined }));
  const { status, problem } = reply;
  operation.tries.push({
    atMs,
    tookMs: history.nowMs() - atMs,
    replica: replica.name,
    requestId,
    status,
    problem,
  });
  count(history, `${operation.kind} ${status === 0 ? 'no answer' : status} ${problem ?? ''}`.trim());
  if (status !== 0 && !isExpected(reply))
    history.broken.push({
      rule: 'answers',
      what: `${operation.kind} ${operation.key} got ${status} ${problem ?? ''}`,
    });
  if (status === 0 || !isDecided(reply)) return;
  if (operation.answer === undefined) decide(history, operation, reply);
  else compare(history, operation, operation.answer, reply);
}

/** The first answer: what the appointment may be now. */
function decide(history: History, operation: Operation, reply: Reply): void {
  operation.answer = reply;
  const may = statesAfter(operation, reply);
  const { kind, key, patientId } = operation;
  if (may === undefined || (may.length === 0 && kind !== 'book')) {
    const was = operation.appointment?.may.map(({ status }) => status).join(' or ');
    const what = `${kind} ${key} of an appointment that was ${was} got ${reply.status} ${reply.problem ?? ''}`;
    history.broken.push({ rule: 'I4', what });
    return;
  }
  if (kind === 'book' && may.length > 0) {
    const id = idIn(reply);
    if (id === undefined) return void history.broken.push({ rule: 'I4', what: `booking ${key} got no id` });
    operation.appointment = { id, key, patientId, may };
    history.appointments.set(id, operation.appointment);
  } else if (operation.appointment !== undefined) operation.appointment.may = may;
}

function compare(history: History, operation: Operation, first: Reply, again: Reply): void {
  // Reads have no key: each tells the present.
  if (operation.kind === 'read') return;
  count(history, 'repeated');
  const difference = differenceOf(first, again);
  if (difference !== undefined)
    history.broken.push({ rule: 'I7', what: `the answer of key ${operation.key} changed: ${difference}` });
  else if (isWaiting(first) && !isWaiting(again)) {
    count(history, 'repeated, and told the outcome it waited for');
    // From now on the key keeps this one, and what it refused may not be.
    operation.answer = again;
    const { appointment, wanted } = operation;
    if (operation.kind === 'reschedule' && again.status === 409 && appointment !== undefined)
      appointment.may = unmoved(appointment.may, wanted);
  }
}
