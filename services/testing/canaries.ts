/**
 * Texts that stand nowhere but where a test has put them: what is told of patients, and what is told of doctors, whose names and
 * addresses their own service keeps.
 */
export const CANARIES = { patient: 'Canarybird', doctor: 'Wrenbird' } as const;
export type Marked = keyof typeof CANARIES;

const BIRTH_DATE = '1911-11-13';
const PHONE = '+49 4711 0815 3321';

/** Everything that would give a canary away, in lower case: as it was written, without its signs, and as a cursor encodes it. */
const TRACES: Readonly<Record<Marked, readonly string[]>> = {
  patient: [CANARIES.patient, BIRTH_DATE, BIRTH_DATE.replaceAll('-', ''), '4711 0815', '49471108153321'],
  doctor: [CANARIES.doctor],
};

/** Base64 has three forms of a text, by where it begins; the characters that its neighbours change are left out. */
const base64Forms = (text: string): string[] =>
  [0, 1, 2].flatMap((before) =>
    [text, text.toLowerCase()].map((form) =>
      Buffer.from(`${' '.repeat(before)}${form}   `)
        .toString('base64url')
        .slice(before === 0 ? 0 : before + 1, -6),
    ),
  );

const readable = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_whole, digits: string) => String.fromCharCode(parseInt(digits, 16)));

/** Where canaries stand in a text, each with what is around it. */
export function canariesIn(text: string, marked: readonly Marked[] = ['patient', 'doctor']): string[] {
  const plain = readable(text).toLowerCase();
  const around = (where: string, at: number) => where.slice(Math.max(0, at - 60), at + 60);
  return marked.flatMap((mark) => [
    ...TRACES[mark]
      .map((trace) => [plain, plain.indexOf(trace.toLowerCase())] as const)
      .filter(([, at]) => at >= 0)
      .map(([where, at]) => around(where, at)),
    ...base64Forms(CANARIES[mark])
      .map((form) => [text, text.indexOf(form)] as const)
      .filter(([, at]) => at >= 0)
      .map(([where, at]) => around(where, at)),
  ]);
}

type Members = Readonly<Record<string, unknown>>;

const word = (mark: Marked, name: string): string => `${CANARIES[mark]} ${name}`;

let identifiers = 0;

const patient = (): Members => {
  const say = (name: string) => word('patient', name);
  identifiers += 1;
  return {
    familyName: say('family'),
    givenName: say('given'),
    birthDate: BIRTH_DATE,
    phone: PHONE,
    email: `${CANARIES.patient}@example.org`,
    address: { line: [say('street')], city: say('city'), postalCode: 'Canarybird', country: say('country') },
    identifiers: [{ system: say('system'), value: say(`value ${identifiers}`) }],
    emergencyContact: { name: say('brother'), phone: PHONE, relationship: say('relationship') },
  };
};

const doctor = (): Members => {
  const say = (name: string) => word('doctor', name);
  identifiers += 1;
  return {
    familyName: say('family'),
    givenName: say('given'),
    specialties: [say('specialty')],
    licenseNumber: say(`licence ${identifiers}`),
    email: `${CANARIES.doctor}@example.org`,
  };
};

const contact = (): Members => {
  const { phone, email, address } = patient();
  return { phone, email, address };
};

const entry = (): Members => ({
  description: word('patient', 'description'),
  code: { system: word('patient', 'terminology'), code: 'Canarybird', display: word('patient', 'display') },
});

/** What a good request's body says beside, or in place of, its plain members: every member that may hold a person's data. */
export const CANARY_MEMBERS: Readonly<Record<string, (role: string) => Members>> = {
  'POST /patients': patient,
  'PUT /patients/:id': patient,
  'PATCH /patients/:id': contact,
  'POST /patients/:id/history': entry,
  'POST /patients/:id/history/:entryId/amend': entry,
  'POST /appointments': (role) => ({
    reason: word('patient', 'reason'),
    ...(role === 'doctor' ? { notes: word('patient', 'notes') } : {}),
  }),
  'PATCH /appointments/:id': (role) => ({
    reason: word('patient', 'reason'),
    ...(role === 'doctor' ? { notes: word('patient', 'notes') } : {}),
  }),
  'POST /appointments/:id/cancel': () => ({
    reason: { code: 'Canarybird', text: word('patient', 'why not') },
  }),
  'POST /doctors': doctor,
  'PUT /doctors/:id': doctor,
  'PATCH /doctors/:id': () => ({ email: `${CANARIES.doctor}@example.org` }),
  'POST /doctors/:id/exceptions': () => ({ reason: word('doctor', 'holiday') }),
};
