import fc from 'fast-check';
import { createRateLimit } from './rate-limit.ts';

test('twice the rate at once, then the rate', () => {
  const wait = createRateLimit(5);
  for (let n = 0; n < 10; n += 1) expect(wait('a', 0)).toBe(0);
  expect(wait('a', 0)).toBeCloseTo(0.2);
  expect(wait('a', 199)).toBeGreaterThan(0);
  expect(wait('a', 200)).toBe(0);
  expect(wait('a', 200)).toBeCloseTo(0.2);
});

test('one key does not use up what is another’s', () => {
  const wait = createRateLimit(1);
  while (wait('a', 0) === 0);
  expect(wait('b', 0)).toBe(0);
});

test('never more than twice the rate and what time has brought', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 200 }),
      (perSecond, pauses) => {
        const wait = createRateLimit(perSecond);
        let now = 0;
        let passed = 0;
        for (const pause of pauses) {
          now += pause;
          if (wait('a', now) === 0) passed += 1;
        }
        expect(passed).toBeLessThanOrEqual(2 * perSecond + (now / 1000) * perSecond + 1e-6);
      },
    ),
  );
});

test('who waits as long as told is let through', () => {
  const wait = createRateLimit(3);
  let now = 0;
  for (let n = 0; n < 50; n += 1) {
    const seconds = wait('a', now);
    if (seconds > 0) {
      now += seconds * 1000 + 1e-6;
      expect(wait('a', now)).toBe(0);
    }
  }
  expect(now).toBeGreaterThan(0);
});
