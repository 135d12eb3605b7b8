// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is found and put are texts of the sources
import { edits, type Mutant } from './mutant.ts';

const patient = (name: string): string => `services/patient/${name}.ts`;
const shared = (name: string): string => `services/shared/${name}.ts`;

const one = edits('services/access');

const PATIENTS = patient('patients/store');
const HAD = `('booked', 'arrived', 'in-progress', 'fulfilled', 'noshow')`;
const REACHED = patient('appointments/store');
const SEARCH = patient('patients/search-store');

/** Predicates of statements. */
const predicates: readonly Mutant[] = [
  one('withinScope: any patient for a patient', PATIENTS, '${id} = $${parameter})', 'true)'),
  one('withinScope: any patient for a doctor', PATIENTS, '${hasPatient(id, `$${parameter + 1}`)}', 'true'),
  one(
    'hasPatient: of any doctor',
    PATIENTS,
    ' and had.doctor_id = ${doctorId}',
    ' and ${doctorId}::uuid is not null',
  ),
  one('hasPatient: of any patient', PATIENTS, 'had.patient_id = ${patientId} and', ''),
  ...['booked', 'arrived', 'in-progress', 'fulfilled', 'noshow'].map((status) =>
    one(`hasPatient: not ${status}`, PATIENTS, HAD, HAD.replace(`'${status}'`, `'-'`)),
  ),
  ...['pending', 'cancelled', 'rejected'].map((status) =>
    one(`hasPatient: ${status} too`, PATIENTS, HAD, HAD.replace('(', `('${status}', `)),
  ),
  one('appointments: any for a patient', REACHED, 'is null or a.patient_id = $2)', 'is null or true)'),
  one('appointments: any for a doctor', REACHED, 'is null or a.doctor_id = $3)', 'is null or true)'),
  one(
    'list of appointments: any for a patient',
    REACHED,
    `ofPatient: 'a.patient_id = ?'`,
    `ofPatient: '?::uuid is not null'`,
  ),
  one(
    'list of appointments: any for a doctor',
    REACHED,
    `ofDoctor: 'a.doctor_id = ?'`,
    `ofDoctor: '?::uuid is not null'`,
  ),
  one('list of patients: any for a doctor', SEARCH, `hasPatient('p.id', '?')`, `'?::uuid is not null'`),
  one(
    'search for patients: any for a doctor',
    SEARCH,
    `hasPatient('f.patient_id', '?')`,
    `'?::uuid is not null'`,
  ),
  one(
    'booking: any patient',
    patient('appointments/outbox-store'),
    `\${withinScope('patients.id', 11)}`,
    '($11::uuid is null or true) and ($12::uuid is null or true)',
  ),
  one(
    'an entry of another patient',
    patient('history/store'),
    'h.id = $2 and h.patient_id = $1',
    'h.id = $2 and $1::uuid is not null',
  ),
  one(
    'a visit of another patient',
    patient('history/store'),
    `a.id = $2 and a.patient_id = $1 and a.status = 'fulfilled'`,
    `a.id = $2 and $1::uuid is not null and a.status = 'fulfilled'`,
    'services/access',
    'patient/history/',
  ),
  one(
    'an entry about an appointment of another patient',
    patient('history/store'),
    'where id = $2 and patient_id = $1',
    'where id = $2 and $1::uuid is not null',
    'services/access',
    'patient/history/',
  ),
];

const APPOINTMENTS = patient('appointments/routes');
const HISTORY = patient('history/routes');

/** The scope that a handler gives to its statements. */
const scopes: readonly Mutant[] = [
  one('scopeOf: a patient reaches all', patient('access'), `own?.role === 'patient' ? own.id : null`, 'null'),
  one('scopeOf: a doctor reaches all', patient('access'), `own?.role === 'doctor' ? own.id : null`, 'null'),
  one('the list of patients is not limited', patient('patients/routes'), ', ofDoctor: own?.id }', ' }'),
  one(
    'the list of appointments is not limited to the patient',
    APPOINTMENTS,
    'ofPatient: ofPatient ?? undefined',
    'ofPatient: undefined',
  ),
  one(
    'the list of appointments is not limited to the doctor',
    APPOINTMENTS,
    'ofDoctor: ofDoctor ?? undefined',
    'ofDoctor: undefined',
  ),
  one(
    'the timeline asks for no scope',
    HISTORY,
    '      await requirePatient(db, patientId, scopeOf(own));\n',
    '',
  ),
  one(
    'an entry asks for no scope',
    HISTORY,
    '      await requirePatient(db, patientId, scopeOf(call.own));\n',
    '',
  ),
  one(
    'recording history asks for no scope',
    patient('history/record'),
    '    await keepPatient(tx, patientId, scope);\n',
    '',
  ),
  one(
    'amending history asks for no scope',
    patient('history/amend'),
    '    await keepPatient(tx, patientId, scope);\n',
    '',
  ),
  one(
    'everybody lists deleted patients',
    patient('patients/routes'),
    `caller.role !== undefined && caller.role !== 'admin'`,
    'false',
  ),
  one(
    'a key belongs to everybody',
    shared('idempotency/key'),
    'return { caller: identityOf(caller), key',
    `return { caller: '', key`,
  ),
  one('self: any doctor’s path', shared('http/call'), `if (reach === 'self' && id !== ownId)`, 'if (false)'),
];

export const ownershipMutants: readonly Mutant[] = [...predicates, ...scopes];
