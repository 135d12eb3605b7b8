import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutant } from './mutant.ts';

const ROLES = ['admin', 'receptionist', 'doctor', 'patient', 'service'] as const;

type Access = Readonly<Record<string, string>>;

/** An endpoint's declaration: from its method to its access. */
const DECLARATION = /method: '(\w+)',\s+path: (['`])(.+?)\2,(?:(?!method:)[\s\S])*?access: (\{.*?\}|\w+),/g;
const NAMED_ACCESS = /export const (\w+): Access = (\{.*?\});/g;

const accessOf = (text: string): Access =>
  Object.fromEntries([...text.matchAll(/(\w+): '(\w+)'/g)].map(([, role = '', reach = '']) => [role, reach]));

const textOf = (access: Access): string =>
  `{ ${Object.entries(access)
    .map(([role, reach]) => `${role}: '${reach}'`)
    .join(', ')} }`;

/** The declaration with each role left out, each that is missing let in, and each that reaches its own let reach everything. */
function variantsOf(access: Access): [what: string, variant: Access][] {
  return ROLES.flatMap((role): [string, Access][] => {
    const { [role]: reach, ...others } = access;
    if (reach === undefined) return [[`lets ${role} in`, { ...access, [role]: 'all' }]];
    const without: [string, Access] = [`keeps ${role} out`, others];
    return reach === 'all' ? [without] : [without, [`lets ${role} reach all`, { ...access, [role]: 'all' }]];
  });
}

/** Each declaration in the sources with one role less, one more, or one that reaches more. */
export function roleMutants(root: string): readonly Mutant[] {
  const sources = readdirSync(join(root, 'services'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /^(patient|doctor)\/.*\.ts$/.test(file) && !file.endsWith('.test.ts'))
    .sort()
    .map((name) => ({ file: `services/${name}`, text: readFileSync(join(root, 'services', name), 'utf8') }));
  // The two services have an access of one name each.
  const named = (file: string): Map<string, string> => {
    const service = file.split('/')[1];
    const texts = sources.filter((source) => source.file.split('/')[1] === service).map(({ text }) => text);
    return new Map(
      texts.flatMap((text) =>
        [...text.matchAll(NAMED_ACCESS)].map(([, name = '', access = '']) => [name, access]),
      ),
    );
  };
  return sources
    .filter(({ file }) => file.endsWith('routes.ts'))
    .flatMap(({ file, text }) =>
      [...text.matchAll(DECLARATION)].flatMap(([find, method, , path, access = '']) => {
        const present = accessOf(named(file).get(access) ?? access);
        return variantsOf(present).map(([what, variant]) => ({
          name: `${method} ${path} ${what}`,
          edits: [{ file, find, put: `${find.slice(0, find.lastIndexOf(access))}${textOf(variant)},` }],
          tests: ['services/access'],
        }));
      }),
    );
}
