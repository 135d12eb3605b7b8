import type { Roles } from '../shared/auth/authenticate.ts';
import type { Own } from '../shared/http/endpoint.ts';

/** Who may call. What each may do is said where each endpoint is defined. */
export const roles = {
  admin: {},
  receptionist: {},
  doctor: { ownIdClaim: 'doctor_id' },
  patient: { ownIdClaim: 'patient_id' },
  service: {},
} satisfies Roles;

/** Whose records are reached: a patient's own, those that a doctor has, or everybody's where both are null. */
export interface Scope {
  patientId: string | null;
  doctorId: string | null;
}

export const everybody: Scope = { patientId: null, doctorId: null };

/** Whether a scope leaves anybody out. */
export const isLimited = ({ patientId, doctorId }: Scope): boolean => patientId !== null || doctorId !== null;

export const scopeOf = (own: Own | undefined): Scope => ({
  patientId: own?.role === 'patient' ? own.id : null,
  doctorId: own?.role === 'doctor' ? own.id : null,
});

/** The parameters of a statement that finds a record by its id within a scope. */
export type ScopedId = [id: string, patientId: string | null, doctorId: string | null];
export const scoped = (id: string, { patientId, doctorId }: Scope): ScopedId => [id, patientId, doctorId];
