import type { ApiClient } from '../api-client.ts';
import { expectStatus, type Identified, type Page } from './calls.ts';
import type { Row } from './table.ts';

const CODE_SYSTEMS: Readonly<Record<string, string>> = {
  'ICD-10': 'http://hl7.org/fhir/sid/icd-10',
  SNOMED: 'http://snomed.info/sct',
  ATC: 'http://www.whocc.no/atc',
  LOINC: 'http://loinc.org',
  CVX: 'http://hl7.org/fhir/sid/cvx',
};

interface Entry extends Identified {
  kind: string;
  description: string;
  severity?: string;
}

/** The rows of history.csv of one patient; after a load that was cut short those that are missing. */
export async function loadHistory(
  api: ApiClient,
  patientId: string,
  rows: readonly Row[],
  resumed: boolean,
): Promise<void> {
  const path = `/patients/${patientId}/history`;
  const present = resumed
    ? expectStatus<Page<Entry>>(path, await api.get(`${path}?limit=200`), 200).items
    : [];
  for (const [index, { mrn, system, code, amendedSeverity, ...row }] of rows.entries()) {
    const key = `demo-history-${mrn}-${index}`;
    const { kind, description } = row;
    const found = present.find((item) => item.kind === kind && item.description === description);
    const body = {
      ...row,
      ...(code && { code: { system: CODE_SYSTEMS[system ?? ''], code, display: description } }),
    };
    const entry = found ?? expectStatus<Entry>(path, await api.post(path, body, key), 201);
    if (amendedSeverity === undefined || entry.severity === amendedSeverity) continue;
    const amend = `${path}/${entry.id}/amend`;
    expectStatus(amend, await api.post(amend, { severity: amendedSeverity }, `${key}-amended`), 201);
  }
}
