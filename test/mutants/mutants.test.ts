import { readSources } from '../../services/testing/source-tree.ts';
import { accessMutants } from './access.ts';
import { auditMutants } from './audit.ts';
import { bookingMutants } from './booking.ts';
import { fits } from './mutant.ts';
import { picked } from './pick.ts';

const root = new URL('../..', import.meta.url).pathname;
const access = accessMutants(root);
const all = [...bookingMutants, ...auditMutants, ...access];

test('every mutant finds its text exactly once, and changes it', () => {
  const faults = all.flatMap((mutant) => {
    try {
      return fits(root, mutant) ? [] : [`${mutant.name}: changes nothing`];
    } catch (error) {
      return [(error as Error).message];
    }
  });
  expect(faults).toEqual([]);
});

test('every mutant has a name of its own', () => {
  const names = all.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test('every endpoint’s declaration is left out and widened, role by role', () => {
  const declarations = readSources()
    .filter(({ path }) => /^(patient|doctor)\/.*routes\.ts$/.test(path))
    .flatMap(({ text }) => text.match(/^ +access: /gm) ?? []);
  const endpoints = new Set(access.flatMap(({ name }) => /^[A-Z]+ \/\S+/.exec(name) ?? []));
  expect(endpoints.size).toBe(declarations.length);
  expect(access.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'GET /patients/:id keeps admin out',
      'GET /patients/:id lets service in',
      'GET /patients/:id lets doctor reach all',
    ]),
  );
});

test('a seed picks the same again, another seed others', () => {
  const names = (seed: number) => picked(access, 10, seed).map(({ name }) => name);
  expect(names(1)).toHaveLength(10);
  expect(names(1)).toEqual(names(1));
  expect(names(1)).not.toEqual(names(2));
});
