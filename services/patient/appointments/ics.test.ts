import { toIcs } from './ics.ts';

const appointment = {
  id: '01a2041f-40b8-7522-a241-bc4ad31bb6f8',
  patientId: '01a2041f-40b8-7522-a241-bc4ad31bb6f9',
  startsAt: '2026-12-01T09:00:00.000Z',
  endsAt: '2026-12-01T09:30:00.000Z',
  status: 'booked',
  version: 3,
  createdAt: '2026-11-20T08:00:00.000Z',
  updatedAt: '2026-11-21T08:00:00.000Z',
} as const;

test('is one event with a stable UID, in CRLF lines of at most 75 octets (RFC 5545 §3.1)', () => {
  const lines = toIcs(appointment).split('\r\n');
  expect(lines.every((line) => Buffer.byteLength(line) <= 75 && !line.includes('\n'))).toBe(true);
  expect(lines).toEqual(
    expect.arrayContaining([
      'BEGIN:VCALENDAR',
      `UID:${appointment.id}`,
      'DTSTART:20261201T090000Z',
      'DTEND:20261201T093000Z',
      'DTSTAMP:20261121T080000Z',
      'SEQUENCE:2',
      'STATUS:CONFIRMED',
      'END:VCALENDAR',
    ]),
  );
});

test.each([
  ['pending', 'TENTATIVE'],
  ['booked', 'CONFIRMED'],
  ['fulfilled', 'CONFIRMED'],
  ['cancelled', 'CANCELLED'],
  ['rejected', 'CANCELLED'],
] as const)('%s is %s', (status, inCalendar) => {
  expect(toIcs({ ...appointment, status })).toContain(`STATUS:${inCalendar}`);
});
