import { type ApiClient, problemOf } from '../api-client.ts';
import { expectStatus, type Identified, type Page } from './calls.ts';
import type { Row } from './table.ts';

const MRN_SYSTEM = 'https://clinic.example/medical-record-number';
const MEMBER_SYSTEM = 'https://insurer.example/member-number';

const byNumber = (mrn: string, more = ''): string =>
  `/patients?identifier=${encodeURIComponent(`${MRN_SYSTEM}|${mrn}`)}${more}`;

/** Whether this patient was ever loaded; one that was deleted since counts. */
export async function wasLoaded(api: ApiClient, { mrn = '' }: Row): Promise<boolean> {
  const paths = [byNumber(mrn), byNumber(mrn, '&deleted=true')];
  const pages = await Promise.all(
    paths.map(async (path) => expectStatus<Page<Identified>>(path, await api.get(path), 200)),
  );
  return pages.some(({ items }) => items.length > 0);
}

/** The patient of one row of patients.csv. */
export async function loadPatient(api: ApiClient, row: Row): Promise<Identified> {
  const { mrn = '' } = row;
  const answer = await api.post('/patients', patientOf(row), `demo-patient-${mrn}`);
  if (problemOf(answer) !== 'duplicate-patient') return expectStatus('POST /patients', answer, 201);
  // A day after a load that was cut short the key is forgotten, but the number is not.
  const { items } = expectStatus<Page<Identified>>('GET /patients', await api.get(byNumber(mrn)), 200);
  return items[0] ?? expectStatus('POST /patients', answer, 201);
}

function patientOf({ mrn, memberNumber, street, postalCode, city, country, ...row }: Row) {
  const { contactName, contactRelationship, contactPhone, ...person } = row;
  return {
    ...person,
    address: { line: [street], postalCode, city, country },
    identifiers: [
      { system: MRN_SYSTEM, value: mrn },
      ...(memberNumber ? [{ system: MEMBER_SYSTEM, value: memberNumber }] : []),
    ],
    ...(contactName && {
      emergencyContact: { name: contactName, relationship: contactRelationship, phone: contactPhone },
    }),
  };
}
