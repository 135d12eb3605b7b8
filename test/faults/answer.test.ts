import { unmoved } from './answer.ts';

const doctorId = 'd';
const here = { doctorId, startsAt: '2026-12-08T07:00:00Z', durationMinutes: 30 };
const there = { ...here, startsAt: '2026-12-08T18:00:00.000Z' };

test('a reschedule that was refused has left the appointment where it was, also when it was cancelled since', () => {
  const booked = { ...here, status: 'booked' as const };
  const moved = { ...there, status: 'booked' as const };
  const cancelled = { ...here, status: 'cancelled' as const };
  expect(unmoved([booked, moved], there)).toEqual([booked]);
  // Seen with seed 1132: told 202, cancelled, and told slot-taken when it was asked again.
  expect(unmoved([cancelled], there)).toEqual([cancelled]);
});
