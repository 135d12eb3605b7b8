import { setTimeout as sleep } from 'node:timers/promises';
import { gatherLines } from './gather.ts';

function gathering(characters: number, ms: number) {
  const texts: string[] = [];
  const lines = gatherLines({ write: (text) => texts.push(text) }, characters, ms);
  return { lines, texts };
}

test('lines go on together, in their order, as soon as there are so many characters', () => {
  const { lines, texts } = gathering(6, 60_000);
  for (const line of ['one\n', 'two\n', 'six\n']) lines.write(line);
  expect(texts).toEqual(['one\ntwo\n']);
  lines.flush();
  expect(texts).toEqual(['one\ntwo\n', 'six\n']);
});

test('a single line goes on after the time, and nothing after it', async () => {
  const { lines, texts } = gathering(1_000, 10);
  lines.write('one\n');
  while (texts.length === 0) await sleep(5);
  await sleep(30);
  lines.flush();
  expect(texts).toEqual(['one\n']);
});
