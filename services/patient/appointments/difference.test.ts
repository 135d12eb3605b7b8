import type { Reserved } from '../doctor-client.ts';
import { differenceOf, type Kept } from './difference.ts';

const NOW = Date.parse('2027-03-01T12:00:00.000Z');
const time = (hour: number) => ({
  doctorId: '018f0000-0000-7000-8000-00000000000d',
  startsAt: `2027-03-01T${hour}:00:00.000Z`,
  endsAt: `2027-03-01T${hour}:30:00.000Z`,
});

const kept = (more: Partial<Kept> = {}): Kept => ({
  id: 'a',
  revision: 2,
  status: 'booked',
  settled: true,
  contradicted: false,
  wanted: time(15),
  ...more,
});
const reserved = (more: Partial<Reserved> = {}): Reserved => ({
  appointmentId: 'a',
  revision: 2,
  active: time(15),
  ...more,
});
const cancelled = { status: 'cancelled', wanted: null } as const;

test.each<[string, Kept | undefined, Reserved | undefined, ReturnType<typeof differenceOf>]>([
  ['both say the same', kept(), reserved(), undefined],
  ['neither wants time', kept(cancelled), reserved({ active: undefined }), undefined],
  ['cancelled before the doctor service heard of it', kept(cancelled), undefined, undefined],
  [
    'the doctor service is a revision behind, and has the same time',
    kept(),
    reserved({ revision: 1 }),
    undefined,
  ],
  ['booked, and nothing is known there', kept(), undefined, 'not-reserved'],
  ['booked, and released there', kept(), reserved({ active: undefined }), 'not-reserved'],
  ['booked, and another time is reserved', kept(), reserved({ active: time(16) }), 'reserved-otherwise'],
  [
    'booked, and another doctor is reserved',
    kept(),
    reserved({ active: { ...time(15), doctorId: 'other' } }),
    'reserved-otherwise',
  ],
  ['cancelled, and reserved', kept(cancelled), reserved(), 'still-reserved'],
  ['nobody knows the appointment', undefined, reserved(), 'unknown-appointment'],
  [
    'nobody knows the appointment, and no time is taken',
    undefined,
    reserved({ active: undefined }),
    undefined,
  ],
  ['nobody knows the appointment, which is over', undefined, reserved({ active: time(10) }), undefined],
  ['a newer revision is known there', kept(), reserved({ revision: 3 }), 'behind'],
  [
    'a newer revision is known there of one that waits',
    kept({ settled: false }),
    reserved({ revision: 3 }),
    'behind',
  ],
  ['it waits for its answer', kept({ settled: false }), undefined, undefined],
  ['the settler was contradicted', kept({ settled: false, contradicted: true }), undefined, 'contradicted'],
  ['the visit is over', kept({ wanted: time(10) }), undefined, undefined],
  ['the visit is over, and goes on there', kept({ wanted: time(10) }), reserved(), 'reserved-otherwise'],
])('%s', (_name, ofPatient, ofDoctor, difference) => {
  expect(differenceOf(ofPatient, ofDoctor, NOW)).toBe(difference);
});
