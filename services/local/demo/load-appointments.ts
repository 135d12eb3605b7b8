import { setTimeout as sleep } from 'node:timers/promises';
import { Temporal } from 'temporal-polyfill';
import { type ApiClient, problemOf } from '../api-client.ts';
import { expectStatus, type Identified, type Page } from './calls.ts';
import type { LoadedDoctor } from './load-doctor.ts';
import type { Row } from './table.ts';

interface Appointment extends Identified {
  patientId: string;
  status: string;
  reason?: string;
}

interface Slot {
  startsAt: string;
  endsAt: string;
}

const DAYS = 16;

/** The actions that bring a booked appointment to a state. */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  booked: [],
  arrived: ['check-in'],
  'in-progress': ['check-in', 'start'],
  fulfilled: ['check-in', 'start', 'complete'],
  noshow: ['no-show'],
  cancelled: ['cancel'],
};

const CANCELLATION = { reason: { code: 'pat-fb', text: 'Feeling better' }, by: 'patient' };

/** The rows of appointments.csv of one doctor, at offered times; after a load that was cut short those that are missing. */
export async function loadAppointments(
  api: ApiClient,
  doctor: LoadedDoctor,
  rows: readonly Row[],
  patientIds: ReadonlyMap<string, string>,
  resumed: boolean,
): Promise<void> {
  const path = `/appointments?doctorId=${doctor.id}&limit=200`;
  const present = resumed ? expectStatus<Page<Appointment>>(path, await api.get(path), 200).items : [];
  const slots = await offeredSlots(api, doctor);
  for (const { mrn = '', day = '0', reason, notes, becomes = 'booked' } of rows) {
    const patientId = patientIds.get(mrn) ?? '';
    const found = present.find((item) => item.patientId === patientId && item.reason === reason);
    const visit = { patientId, doctorId: doctor.id, reason, notes };
    const appointment =
      found ??
      (await book(api, visit, slotsFrom(slots, doctor, Number(day), Number(mrn)), `demo-appointment-${mrn}`));
    await bringTo(api, appointment, becomes);
  }
}

async function offeredSlots(api: ApiClient, { id }: LoadedDoctor): Promise<Slot[]> {
  const from = Temporal.Now.instant();
  const path = `/doctors/${id}/availability?from=${from}&to=${from.add({ hours: 24 * DAYS })}`;
  return expectStatus<{ slots: Slot[] }>(path, await api.get(path), 200).slots;
}

/** What is offered from that day on; some way into it, so that a day is not filled from its start. */
function slotsFrom(
  slots: readonly Slot[],
  { timeZone }: LoadedDoctor,
  day: number,
  spread: number,
): readonly Slot[] {
  const start = Temporal.Now.plainDateISO(timeZone)
    .add({ days: day })
    .toZonedDateTime(timeZone).epochMilliseconds;
  const first = slots.findIndex(({ startsAt }) => Date.parse(startsAt) >= start);
  return slots.slice(day === 0 ? first : first + ((spread * 5) % 11));
}

/** Takes the first of the slots that neither the doctor nor the patient needs for something else. */
async function book(
  api: ApiClient,
  visit: object,
  slots: readonly Slot[],
  key: string,
): Promise<Appointment> {
  for (const slot of slots) {
    const answer = await api.post('/appointments', { ...visit, ...slot }, `${key}-${slot.startsAt}`);
    if (['slot-taken', 'patient-busy', 'too-soon'].includes(problemOf(answer) ?? '')) continue;
    const appointment = await untilAnswered(
      api,
      expectStatus<Appointment>('POST /appointments', answer, 201, 202),
    );
    if (appointment.status !== 'rejected') return appointment;
  }
  throw new Error(`The demo clinic was not loaded: no time is offered for ${JSON.stringify(visit)}`);
}

/** A booking that was answered 202 completes by itself. */
async function untilAnswered(api: ApiClient, booked: Appointment): Promise<Appointment> {
  let appointment = booked;
  while (appointment.status === 'pending') {
    await sleep(200);
    const path = `/appointments/${booked.id}`;
    appointment = expectStatus<Appointment>(path, await api.get(path), 200);
  }
  return appointment;
}

async function bringTo(api: ApiClient, { id, status }: Appointment, goal: string): Promise<void> {
  const actions = ACTIONS[goal] ?? [];
  const done = ACTIONS[status] ?? [];
  for (const action of actions.slice(status === goal ? actions.length : done.length)) {
    const path = `/appointments/${id}/${action}`;
    expectStatus(
      path,
      await api.post(path, action === 'cancel' ? CANCELLATION : {}, `demo-${id}-${action}`),
      200,
    );
  }
}
