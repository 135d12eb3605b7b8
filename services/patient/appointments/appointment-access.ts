import { hide } from '../../shared/auth/hide.ts';
import { refusedMembers } from '../../shared/auth/members.ts';
import type { Caller } from '../../shared/caller/caller.ts';
import type { Answer } from '../../shared/http/answer.ts';
import type { Access, Own } from '../../shared/http/endpoint.ts';
import type { CancelRequest } from './appointment.ts';

/** The front desk, and doctors and patients for their own appointments. */
export const everyPerson: Access = { admin: 'all', receptionist: 'all', doctor: 'own', patient: 'own' };

/** The front desk, and doctors for their own appointments. */
export const deskAndDoctor: Access = { admin: 'all', receptionist: 'all', doctor: 'own' };

/** The notes are clinical: the front desk does not see them. */
const SEES_NOTES = new Set([undefined, 'doctor', 'patient']);
const SETS_NOTES = new Set([undefined, 'doctor']);

/** An answer without what the caller may not see. */
export const shownTo = ({ role }: Caller, answer: Answer): Answer =>
  SEES_NOTES.has(role) ? answer : hide(answer, ['notes']);

/** Whether the caller may send a member of an appointment. */
export const maySet = ({ role }: Caller, member: string): boolean =>
  member !== 'notes' || SETS_NOTES.has(role);

/** @throws forbidden when a doctor wants to take time in another doctor's calendar */
export function requireOwnCalendar(own: Own | undefined, doctorId: string | undefined): void {
  if (own?.role === 'doctor' && doctorId !== undefined && doctorId !== own.id)
    throw refusedMembers([{ pointer: '#/doctorId', detail: 'must be the caller’s own calendar' }]);
}

type CancelledBy = NonNullable<NonNullable<CancelRequest>['by']>;

/** The word for who cancels: doctors cancel as `provider`, patients as `patient`. @throws forbidden for another word */
export function requireOwnWord({ role }: Own, by: CancelledBy | undefined): CancelledBy {
  const word = role === 'doctor' ? 'provider' : 'patient';
  if (by !== undefined && by !== word)
    throw refusedMembers([{ pointer: '#/by', detail: `must be ${word}, or left out` }]);
  return word;
}
