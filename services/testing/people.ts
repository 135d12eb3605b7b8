import type { TestService } from './service.ts';

type Members = Readonly<Record<string, unknown>>;

/** The body of a patient, with members in place of its own; `undefined` leaves one out. */
export const aPatient = (members: Members = {}): Record<string, unknown> => ({
  familyName: 'Example',
  givenName: 'Pat',
  birthDate: '1980-05-17',
  ...members,
});

/** Adds a patient through the API; returns the id. */
export async function addPatient({ api }: Pick<TestService, 'api'>, members: Members = {}): Promise<string> {
  const { body } = await api.post('/patients').send(aPatient(members)).expect(201);
  return body.id;
}

/** A body with every member. */
export const aFullPatient = (value: string): Record<string, unknown> => ({
  familyName: 'Müller-Lüdenscheidt',
  givenName: 'Zoë',
  birthDate: '1987-02',
  gender: 'female',
  phone: '+49 (30) 901820-0',
  email: 'Zoe@Example.org',
  address: { line: ['Unter den Linden 1', '2. Hof'], city: 'Berlin', postalCode: '10117', country: 'DE' },
  identifiers: [
    { system: 'urn:oid:1.2.3', value },
    { system: 'https://example.org/mrn', value },
  ],
  emergencyContact: { name: 'Max', phone: '030 1', relationship: 'brother' },
});
