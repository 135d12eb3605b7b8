import type { ApiClient } from '../api-client.ts';
import { expectStatus, inParallel, type Page } from './calls.ts';
import { demoDoctors } from './doctors.ts';
import { loadAppointments } from './load-appointments.ts';
import { loadDoctor } from './load-doctor.ts';
import { loadHistory } from './load-history.ts';
import { loadPatient, wasLoaded } from './load-patient.ts';
import { readTable } from './table.ts';

/**
 * Loads the demo clinic through the API when there is no data, and finishes it when an earlier load was cut short.
 * The first patient is the first of all calls and the last one the last, so that the data tells which it is.
 * Resolves with what the clinic has; undefined when there was nothing to do.
 */
export async function loadDemo(api: ApiClient): Promise<string | undefined> {
  const patients = await readTable('patients.csv');
  const [first = {}, ...others] = patients;
  const last = others.pop() ?? {};
  if (await wasLoaded(api, last)) return undefined;
  const resumed = await wasLoaded(api, first);
  if (!resumed && !(await isEmpty(api))) return undefined;

  const firstLoaded = await loadPatient(api, first);
  const doctors = await inParallel(demoDoctors, (doctor) => loadDoctor(api, doctor));
  const othersLoaded = await inParallel(others, (row) => loadPatient(api, row));
  const ids = new Map(
    [firstLoaded, ...othersLoaded].map(({ id }, index) => [patients[index]?.mrn ?? '', id]),
  );

  const history = await readTable('history.csv');
  const withHistory = [...ids].filter(([each]) => history.some(({ mrn }) => mrn === each));
  await inParallel(withHistory, ([each, id]) => {
    const own = history.filter(({ mrn }) => mrn === each);
    return loadHistory(api, id, own, resumed);
  });
  const appointments = await readTable('appointments.csv');
  await inParallel(doctors, (doctor) => {
    const own = appointments.filter((row) => row.doctor === doctor.familyName);
    return loadAppointments(api, doctor, own, ids, resumed);
  });
  await loadPatient(api, last);
  return `${doctors.length} doctors, ${patients.length} patients and ${appointments.length} appointments`;
}

async function isEmpty(api: ApiClient): Promise<boolean> {
  const paths = ['/patients?limit=1', '/doctors?limit=1'];
  const pages = await Promise.all(
    paths.map(async (path) => expectStatus<Page<unknown>>(path, await api.get(path), 200)),
  );
  return pages.every(({ items }) => items.length === 0);
}
