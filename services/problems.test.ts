import { readFileSync } from 'node:fs';
import path from 'node:path';
import './doctor/app.ts';
import './patient/app.ts';
import './shared/lifecycle/server.ts';
import { definedProblems } from './shared/problem/problem.ts';
import { readSources } from './testing/source-tree.ts';

const page = readFileSync(path.join(import.meta.dirname, '../docs/problems.md'), 'utf8');

/** The words that the page explains, each with the statuses that stand in its section. */
const documented = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [word = '', ...lines] = section.split(/\n(?:## )?/);
      return [
        word,
        [...lines.join('\n').matchAll(/\*\*(\d{3})\*\*/g)].map(([, status]) => Number(status)),
      ] as const;
    }),
);

const defined = new Map<string, number[]>();
for (const { type, status } of definedProblems()) defined.set(type, [...(defined.get(type) ?? []), status]);

test('docs/problems.md explains every problem, with its statuses, and no other', () => {
  expect([...documented.keys()].sort()).toEqual([...defined.keys()].sort());
  for (const [word, statuses] of defined)
    expect([word, documented.get(word)?.toSorted()]).toEqual([word, statuses.toSorted()]);
});

test('every section says more than the status', () => {
  for (const section of page.split(/^### /m).slice(1))
    expect(section.split('\n')[1]).toMatch(/^\*\*\d{3}\*\* .{30,}/);
});

test('every file that defines problems is among those that were looked at', () => {
  const words = readSources()
    .filter(({ path: file }) => !/\.test\.ts$|^testing\//.test(file))
    .flatMap(({ text }) =>
      [...text.matchAll(/defineProblem\(\s*'([a-z-]+)'/g)].map(([, word]) => word ?? ''),
    );
  expect(words.length).toBeGreaterThan(20);
  for (const word of words) expect(documented.has(word)).toBe(true);
});

test('every word that an endpoint says it answers is defined', () => {
  const words = readSources()
    .filter(({ path: file }) => /routes\.ts$/.test(file))
    .flatMap(({ text }) =>
      [...text.matchAll(/\b4\d\d: \[([^\]]*)\]/g)].flatMap(([, list = '']) => list.match(/'[a-z-]+'/g) ?? []),
    );
  for (const word of words) expect(defined.has(word.slice(1, -1))).toBe(true);
});
