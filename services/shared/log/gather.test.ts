import { jest } from '@jest/globals';
import { gatherLines } from './gather.ts';

function gathering(characters: number) {
  const texts: string[] = [];
  const lines = gatherLines({ write: (text) => texts.push(text) }, characters, 100);
  return { lines, texts };
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('lines go on together, in their order, as soon as there are so many characters', () => {
  const { lines, texts } = gathering(6);
  for (const line of ['one\n', 'two\n', 'six\n']) lines.write(line);
  expect(texts).toEqual(['one\ntwo\n']);
  lines.flush();
  expect(texts).toEqual(['one\ntwo\n', 'six\n']);
});

test('a single line goes on after the time, once', () => {
  const { lines, texts } = gathering(1_000);
  lines.write('one\n');
  jest.advanceTimersByTime(99);
  expect(texts).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(texts).toEqual(['one\n']);
  jest.advanceTimersByTime(1_000);
  lines.flush();
  expect(texts).toEqual(['one\n']);
});

test('what is taken goes on no more', () => {
  const { lines, texts } = gathering(1_000);
  lines.write('one\n');
  expect(lines.take()).toBe('one\n');
  jest.advanceTimersByTime(1_000);
  expect(texts).toEqual([]);
});
