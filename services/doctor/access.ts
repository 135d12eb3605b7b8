import type { Roles } from '../shared/auth/authenticate.ts';
import type { Access } from '../shared/http/endpoint.ts';

/** Who may call. What each may do is said where each endpoint is defined. */
export const roles = {
  admin: {},
  receptionist: {},
  doctor: { ownIdClaim: 'doctor_id' },
  patient: { ownIdClaim: 'patient_id' },
  service: { isUnlimited: true },
} satisfies Roles;

/** Everybody but the other service. */
export const everyPerson: Access = { admin: 'all', receptionist: 'all', doctor: 'all', patient: 'all' };

/** The front desk, and doctors for their own calendars. */
export const deskAndSelf: Access = { admin: 'all', receptionist: 'all', doctor: 'self' };

/** The patient service, which holds the appointments; nobody else. */
export const onlyService: Access = { service: 'all' };
