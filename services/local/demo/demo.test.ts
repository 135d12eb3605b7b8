import { Temporal } from 'temporal-polyfill';
import { demoDoctors } from './doctors.ts';
import { readTable } from './table.ts';

const patients = await readTable('patients.csv');
const history = await readTable('history.csv');
const appointments = await readTable('appointments.csv');
const distinct = (values: readonly unknown[]): number => new Set(values).size;

test('has at least eight doctors of six specialties in four time zones', () => {
  expect(distinct(demoDoctors.map(({ profile }) => profile.licenseNumber))).toBeGreaterThanOrEqual(8);
  expect(distinct(demoDoctors.flatMap(({ profile }) => profile.specialties))).toBeGreaterThanOrEqual(6);
  expect(distinct(demoDoctors.map(({ profile }) => profile.timeZone))).toBeGreaterThanOrEqual(4);
});

test('has sixty patients with numbers of their own, in more than five scripts', () => {
  expect(distinct(patients.map(({ mrn }) => mrn))).toBe(60);
  const names = patients.map(({ familyName, givenName }) => `${familyName} ${givenName}`).join();
  const scripts = ['Arabic', 'Cyrillic', 'Devanagari', 'Greek', 'Han', 'Hangul', 'Hebrew', 'Tamil', 'Thai'];
  expect(scripts.filter((script) => !new RegExp(`\\p{Script=${script}}`, 'u').test(names))).toEqual([]);
});

test('every line of history and every appointment is of somebody who is there', () => {
  const mrns = new Set(patients.map(({ mrn }) => mrn));
  const doctors = new Set(demoDoctors.map(({ profile }) => profile.familyName));
  expect([...history, ...appointments].filter(({ mrn }) => !mrns.has(mrn))).toEqual([]);
  expect(appointments.filter(({ doctor = '' }) => !doctors.has(doctor))).toEqual([]);
});

test('no two appointments of a patient with a doctor have the same reason, by which a second load knows them', () => {
  const keys = appointments.map(({ doctor, mrn, reason }) => `${doctor} ${mrn} ${reason}`);
  expect(distinct(keys)).toBe(keys.length);
});

test('the last patient has neither, for it is loaded last of all', () => {
  const last = patients.at(-1)?.mrn;
  expect([...history, ...appointments].filter(({ mrn }) => mrn === last)).toEqual([]);
});

test('shows every kind of entry and every state that an appointment can be brought to', () => {
  const kinds = ['allergy', 'condition', 'immunization', 'medication', 'note', 'observation', 'procedure'];
  expect([...new Set(history.map(({ kind }) => kind))].sort()).toEqual(kinds);
  const states = ['arrived', 'booked', 'cancelled', 'fulfilled', 'in-progress', 'noshow'];
  expect([...new Set(appointments.map(({ becomes }) => becomes))].sort()).toEqual(states);
});

test('names nobody who exists: numbers and addresses are those kept free for fiction', () => {
  const people = [
    ...patients,
    ...demoDoctors.map(({ profile }) => profile as { phone: string; email: string }),
  ];
  const phones = [...people.map(({ phone }) => phone), ...patients.map(({ contactPhone }) => contactPhone)];
  // Berlin: Bundesnetzagentur; London and British mobiles: Ofcom; North America: NANPA; Australia: ACMA.
  const fiction =
    /^(\+49 30 23125\d{3}|\+44 20 7946 0\d{3}|\+44 7700 900\d{3}|\+1 \d{3} 555 01\d\d|\+61 2 5550 \d{4}|\+61 491 570 (006|156|157|158|159|110))$/;
  expect(phones.filter((phone) => phone !== undefined && !fiction.test(phone))).toEqual([]);
  expect(people.filter(({ email }) => email !== undefined && !email.endsWith('.example'))).toEqual([]);
});

test('exceptions lie in the two weeks of the appointments, whatever the day', () => {
  for (const today of ['2026-11-22', '2026-11-23', '2026-11-28', '2027-02-28'].map((day) =>
    Temporal.PlainDate.from(day),
  )) {
    const all = demoDoctors.flatMap(({ exceptions }) => exceptions?.(today) ?? []);
    expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(['open', 'closed']));
    for (const { from, to } of all) {
      expect(Temporal.PlainDateTime.from(from).toPlainDate().since(today).days).toBeGreaterThan(0);
      expect(Temporal.PlainDateTime.from(to).toPlainDate().since(today).days).toBeLessThanOrEqual(16);
      expect(from < to).toBe(true);
    }
  }
});
