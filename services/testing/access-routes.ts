import { v7 as uuidv7 } from 'uuid';
import type { Pair, Role, Sent } from './access-world.ts';

/** What a caller may reach, as design §4 says: ✔ everything, `own` what is the caller's own, – nothing. */
export type Row = Record<Exclude<Role, 'service'>, '✔' | 'own' | '–'> & { service?: '✔' };
const desk: Row = { admin: '✔', receptionist: '✔', doctor: '–', patient: '–' };
const admin: Row = { admin: '✔', receptionist: '–', doctor: '–', patient: '–' };
const everybody: Row = { admin: '✔', receptionist: '✔', doctor: '✔', patient: '✔' };
const everybodyOwn: Row = { admin: '✔', receptionist: '✔', doctor: 'own', patient: 'own' };
const deskAndDoctor: Row = { admin: '✔', receptionist: '✔', doctor: 'own', patient: '–' };
const clinical: Row = { admin: '–', receptionist: '–', doctor: 'own', patient: 'own' };
const clinicalWrite: Row = { admin: '–', receptionist: '–', doctor: 'own', patient: '–' };
const onlyService: Row = { admin: '–', receptionist: '–', doctor: '–', patient: '–', service: '✔' };

const patch = 'application/merge-patch+json';
const appointment = ({ appointmentId }: Pair, action = ''): Sent => ({
  path: `/appointments/${appointmentId}${action}`,
});
const PATIENT = { familyName: 'Example', birthDate: '1980' };
const DOCTOR = {
  givenName: 'Doc',
  familyName: 'Example',
  specialties: ['general practice'],
  timeZone: 'UTC',
};
const span = ({ free }: Pair) => `from=${free.startsAt}&to=${free.endsAt}`;

/** Every route of the patient service, whom it lets in, and a request that is good but for that. */
export const PATIENT_ROUTES: Record<string, [Row, (pair: Pair) => Sent]> = {
  'POST /patients': [desk, () => ({ path: '/patients', body: PATIENT })],
  'GET /patients': [{ ...desk, doctor: '✔' }, () => ({ path: '/patients' })],
  'GET /patients/:id': [everybodyOwn, ({ patientId }) => ({ path: `/patients/${patientId}` })],
  'PUT /patients/:id': [desk, ({ patientId }) => ({ path: `/patients/${patientId}`, body: PATIENT })],
  'PATCH /patients/:id': [
    { ...desk, patient: 'own' },
    ({ patientId }) => ({ path: `/patients/${patientId}`, body: { phone: '+1 555 0100' }, type: patch }),
  ],
  'DELETE /patients/:id': [admin, ({ patientId }) => ({ path: `/patients/${patientId}` })],
  'POST /patients/:id/restore': [admin, ({ patientId }) => ({ path: `/patients/${patientId}/restore` })],
  'GET /patients/:id/versions': [desk, ({ patientId }) => ({ path: `/patients/${patientId}/versions` })],
  'GET /patients/:id/versions/:version': [
    desk,
    ({ patientId }) => ({ path: `/patients/${patientId}/versions/1` }),
  ],
  'POST /patients/:id/history': [
    clinicalWrite,
    ({ patientId }) => ({
      path: `/patients/${patientId}/history`,
      body: { kind: 'note', description: 'Seen', occurredAt: '2026' },
    }),
  ],
  'GET /patients/:id/history': [clinical, ({ patientId }) => ({ path: `/patients/${patientId}/history` })],
  'GET /patients/:id/history/:entryId': [
    clinical,
    ({ patientId, entryId }) => ({ path: `/patients/${patientId}/history/${entryId}` }),
  ],
  'POST /patients/:id/history/:entryId/amend': [
    clinicalWrite,
    ({ patientId, entryId }) => ({
      path: `/patients/${patientId}/history/${entryId}/amend`,
      body: { description: 'Seen again' },
    }),
  ],
  'GET /audit-events': [admin, () => ({ path: '/audit-events' })],
  'GET /patients/:id/access-log': [
    { ...admin, patient: 'own' },
    ({ patientId }) => ({ path: `/patients/${patientId}/access-log` }),
  ],
  'POST /appointments': [
    everybodyOwn,
    ({ patientId, doctorId, free }) => ({ path: '/appointments', body: { patientId, doctorId, ...free } }),
  ],
  'GET /appointments': [everybody, () => ({ path: '/appointments' })],
  'GET /appointments/:id': [everybodyOwn, (pair) => appointment(pair)],
  'GET /appointments/:id.ics': [everybodyOwn, (pair) => appointment(pair, '.ics')],
  'PATCH /appointments/:id': [
    deskAndDoctor,
    (pair) => ({ ...appointment(pair), body: { reason: 'Cough' }, type: patch }),
  ],
  'POST /appointments/:id/reschedule': [
    everybodyOwn,
    (pair) => ({ ...appointment(pair, '/reschedule'), body: { startsAt: pair.free.startsAt } }),
  ],
  'POST /appointments/:id/cancel': [everybodyOwn, (pair) => appointment(pair, '/cancel')],
  'POST /appointments/:id/check-in': [deskAndDoctor, (pair) => appointment(pair, '/check-in')],
  'POST /appointments/:id/start': [deskAndDoctor, (pair) => appointment(pair, '/start')],
  'POST /appointments/:id/complete': [deskAndDoctor, (pair) => appointment(pair, '/complete')],
  'POST /appointments/:id/no-show': [deskAndDoctor, (pair) => appointment(pair, '/no-show')],
  'POST /appointments/:id/undo': [deskAndDoctor, (pair) => appointment(pair, '/undo')],
};

const ofDoctor =
  (rest: string, more: Omit<Sent, 'path'> = {}) =>
  ({ doctorId }: Pair): Sent => ({ path: `/doctors/${doctorId}${rest}`, ...more });

const WEEK = { weeklyHours: [{ weekday: 'monday', from: '00:00', to: '24:00' }], keepReservations: true };
const LEAVE = { kind: 'closed', from: '2030-01-01T00:00', to: '2030-01-02T00:00' };

export const DOCTOR_ROUTES: typeof PATIENT_ROUTES = {
  'POST /doctors': [admin, () => ({ path: '/doctors', body: DOCTOR })],
  'GET /doctors': [everybody, () => ({ path: '/doctors' })],
  'GET /doctors/:id': [everybody, ofDoctor('')],
  'PUT /doctors/:id': [admin, ofDoctor('', { body: DOCTOR })],
  'PATCH /doctors/:id': [
    { ...admin, doctor: 'own' },
    ofDoctor('', { body: { phone: '+1 555 0100' }, type: patch }),
  ],
  'DELETE /doctors/:id': [admin, ofDoctor('')],
  'POST /doctors/:id/restore': [admin, ofDoctor('/restore')],
  'PUT /doctors/:id/schedule': [deskAndDoctor, ofDoctor('/schedule', { body: WEEK })],
  'GET /doctors/:id/schedule': [deskAndDoctor, ofDoctor('/schedule')],
  'POST /doctors/:id/exceptions': [deskAndDoctor, ofDoctor('/exceptions', { body: LEAVE })],
  'GET /doctors/:id/exceptions': [deskAndDoctor, ofDoctor('/exceptions')],
  'GET /doctors/:id/exceptions/:exceptionId': [
    deskAndDoctor,
    ({ doctorId, exceptionId }) => ({ path: `/doctors/${doctorId}/exceptions/${exceptionId}` }),
  ],
  'DELETE /doctors/:id/exceptions/:exceptionId': [
    deskAndDoctor,
    ({ doctorId, exceptionId }) => ({ path: `/doctors/${doctorId}/exceptions/${exceptionId}` }),
  ],
  'GET /doctors/:id/availability': [everybody, (pair) => ofDoctor(`/availability?${span(pair)}`)(pair)],
  'GET /availability': [everybody, (pair) => ({ path: `/availability?${span(pair)}&durationMinutes=30` })],
  'GET /doctors/:id/reservations': [deskAndDoctor, (pair) => ofDoctor(`/reservations?${span(pair)}`)(pair)],
  'PUT /reservations/:appointmentId': [
    onlyService,
    ({ doctorId, free }) => ({ path: `/reservations/${uuidv7()}`, body: { doctorId, ...free, revision: 1 } }),
  ],
  'GET /reservations/:appointmentId': [
    onlyService,
    ({ appointmentId }) => ({ path: `/reservations/${appointmentId}` }),
  ],
  'DELETE /reservations/:appointmentId': [
    onlyService,
    () => ({ path: `/reservations/${uuidv7()}?revision=1` }),
  ],
  'GET /reservations': [onlyService, () => ({ path: '/reservations' })],
};
