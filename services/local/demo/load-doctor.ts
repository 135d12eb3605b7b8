import { Temporal } from 'temporal-polyfill';
import { type ApiClient, problemOf } from '../api-client.ts';
import { expectStatus, type Identified, type Page } from './calls.ts';
import type { DemoDoctor } from './doctors.ts';

export interface LoadedDoctor extends Identified {
  familyName: string;
  timeZone: string;
}

/** A doctor with schedule and exceptions; what is there already stays as it is. */
export async function loadDoctor(
  api: ApiClient,
  { profile, schedule, exceptions }: DemoDoctor,
): Promise<LoadedDoctor> {
  const { id } = await findOrCreate(api, profile);
  expectStatus(
    `the schedule of ${profile.familyName}`,
    await api.put(`/doctors/${id}/schedule`, schedule),
    200,
    201,
  );

  const path = `/doctors/${id}/exceptions`;
  const wanted = exceptions?.(Temporal.Now.plainDateISO(profile.timeZone)) ?? [];
  const present =
    wanted.length > 0 ? expectStatus<Page<{ reason?: string }>>(path, await api.get(path), 200).items : [];
  for (const exception of wanted) {
    if (present.some(({ reason }) => reason === exception.reason)) continue;
    expectStatus(
      path,
      await api.post(path, exception, `demo-${profile.licenseNumber}-${exception.from}`),
      201,
    );
  }
  return { id, familyName: profile.familyName, timeZone: profile.timeZone };
}

async function findOrCreate(api: ApiClient, profile: DemoDoctor['profile']): Promise<Identified> {
  const answer = await api.post('/doctors', profile, `demo-${profile.licenseNumber}`);
  if (problemOf(answer) !== 'duplicate-doctor') return expectStatus('POST /doctors', answer, 201);
  // A day after a load that was cut short the key is forgotten, but the licence number is not.
  const search = `/doctors?search=${encodeURIComponent(profile.familyName)}`;
  const { items } = expectStatus<Page<Identified & { licenseNumber?: string }>>(
    search,
    await api.get(search),
    200,
  );
  const found = items.find(({ licenseNumber }) => licenseNumber === profile.licenseNumber);
  return found ?? expectStatus('POST /doctors', answer, 201);
}
