import { jest } from '@jest/globals';
import { type Part, superviseParts } from './parts.ts';

/** A part that ends when it is told to; a stubborn one only when it is killed. */
function aPart(
  name: string,
  journal: string[],
  { stubborn = false } = {},
): Part & { die: (how: string) => void } {
  let die: (how: string) => void = () => {};
  const ended = new Promise<string>((resolve) => {
    die = resolve;
  });
  return {
    name,
    ended,
    die,
    stop: async () => {
      journal.push(`stop ${name}`);
      if (!stubborn) die('exit code 0');
      await ended;
      journal.push(`${name} has ended`);
    },
    kill: () => {
      journal.push(`kill ${name}`);
      die('SIGKILL');
    },
  };
}

test('stops the youngest part first, and the next one only when it has ended', async () => {
  const journal: string[] = [];
  const parts = superviseParts((reason) => journal.push(reason));
  for (const name of ['database', 'service', 'gateway']) parts.add(aPart(name, journal));
  await parts.stop();
  expect(journal).toEqual(
    ['gateway', 'service', 'database'].flatMap((name) => [`stop ${name}`, `${name} has ended`]),
  );
});

test('tells of a part that ends by itself, and does not stop it again', async () => {
  const journal: string[] = [];
  const parts = superviseParts((reason) => journal.push(reason));
  const service = aPart('service', journal);
  for (const part of [aPart('database', journal), service]) parts.add(part);
  service.die('SIGKILL');
  await service.ended;
  await parts.stop();
  expect(journal).toEqual(['service has ended (SIGKILL)', 'stop database', 'database has ended']);
});

test('kills what is left before 10 s have passed', async () => {
  jest.useFakeTimers();
  const journal: string[] = [];
  const parts = superviseParts(() => {});
  for (const part of [aPart('database', journal), aPart('service', journal, { stubborn: true })])
    parts.add(part);
  const stopped = parts.stop();
  await jest.advanceTimersByTimeAsync(9_000);
  await stopped;
  jest.useRealTimers();
  expect(journal).toContain('kill service');
  expect(journal.at(-1)).toBe('database has ended');
});
