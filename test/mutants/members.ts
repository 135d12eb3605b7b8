import { edits, type Mutant } from './mutant.ts';

const patient = (name: string): string => `services/patient/${name}.ts`;
const doctor = (name: string): string => `services/doctor/${name}.ts`;
const shared = (name: string): string => `services/shared/${name}.ts`;

const one = edits('services/access');

const APPOINTMENTS = patient('appointments/routes');
const WORDS = patient('appointments/appointment-access');

/** Members that a caller may not set, or not see. */
export const memberMutants: readonly Mutant[] = [
  one('requireOwnCalendar: any calendar', WORDS, ' && doctorId !== own.id)', ' && false)'),
  one(
    'booking in any calendar',
    APPOINTMENTS,
    '      requireOwnCalendar(own, body.doctorId);\n      const maxPending',
    '      const maxPending',
  ),
  one(
    'rescheduling into any calendar',
    APPOINTMENTS,
    '      requireOwnCalendar(own, body.doctorId);\n      const call = {',
    '      const call = {',
  ),
  one('requireOwnWord: any word', WORDS, 'if (by !== undefined && by !== word)', 'if (false)'),
  one(
    'requireOwnWord: the other’s word',
    WORDS,
    `role === 'doctor' ? 'provider' : 'patient'`,
    `role === 'doctor' ? 'patient' : 'provider'`,
  ),
  one('cancelling by any word', APPOINTMENTS, '{ ...body, by: requireOwnWord(own, body?.by) }', 'body'),
  one('maySet: everybody sets notes', WORDS, `member !== 'notes' || SETS_NOTES.has(role)`, 'true'),
  one(
    'a patient sets notes',
    WORDS,
    `new Set([undefined, 'doctor']);`,
    `new Set([undefined, 'doctor', 'patient']);`,
  ),
  one(
    'a booking with any notes',
    APPOINTMENTS,
    '      requireMembers(body, (member) => maySet(caller, member));\n      requireOwnCalendar',
    '      requireOwnCalendar',
  ),
  one(
    'a change of any notes',
    APPOINTMENTS,
    '      requireMembers(body, (member) => maySet(caller, member));\n      return change',
    '      return change',
  ),
  one(
    'a patient changes every member of the own record',
    patient('patients/routes'),
    '      if (own !== undefined) requireMembers(body, (member) => CONTACT_DATA.has(member));\n',
    '',
  ),
  one(
    'a patient changes the own identifiers',
    patient('patients/routes'),
    `new Set(['phone', 'email',`,
    `new Set(['identifiers', 'phone', 'email',`,
  ),
  one(
    'a doctor changes every member of the own profile',
    doctor('doctors/routes'),
    '      if (call.own !== undefined) requireMembers(call.body, (member) => OWN_MEMBERS.has(member));\n',
    '',
  ),
  one(
    'a doctor changes the own specialties',
    doctor('doctors/routes'),
    `new Set(['email', 'phone', 'languages'])`,
    `new Set(['email', 'phone', 'languages', 'specialties'])`,
  ),
  one(
    'requireMembers lets all pass',
    shared('auth/members'),
    '  if (refused.length === 0) return;',
    '  return;',
  ),
  ...['licenseNumber', 'email', 'phone'].map((member) =>
    one(
      `a patient sees a doctor’s ${member}`,
      doctor('doctors/routes'),
      `['licenseNumber', 'email', 'phone']) : answer`,
      `${JSON.stringify(['licenseNumber', 'email', 'phone'].filter((other) => other !== member))}) : answer`,
    ),
  ),
  one(
    'a patient sees all of a doctor',
    doctor('doctors/routes'),
    'profile(call, ok(await getDoctor',
    '(({}, answer) => answer)(call, ok(await getDoctor',
  ),
  one(
    'a patient sees all of the doctors in a list',
    doctor('doctors/routes'),
    'profile({ caller }, okPage',
    '((_call, answer) => answer)({ caller }, okPage',
  ),
  ...['admin', 'receptionist'].map((role) =>
    one(
      `shownTo: the ${role} sees notes`,
      WORDS,
      `new Set([undefined, 'doctor', 'patient'])`,
      `new Set([undefined, 'doctor', 'patient', '${role}'])`,
    ),
  ),
  ...[
    'okPage(page)',
    'ok(found)',
    'ok(await setTexts(tx, id, texts))',
    'await bookAppointment(parts, call)',
    'await rescheduleAppointment(parts, call)',
    'await cancelAppointment(parts, call)',
    'await act(db, call)',
  ].map((answer) =>
    one(
      `notes for everybody: ${answer.replace(/\(.*/, '').replace('await ', '')}${answer.startsWith('ok') ? answer.slice(2) : ''}`,
      APPOINTMENTS,
      `shownTo(caller, ${answer})`,
      answer,
    ),
  ),
];
