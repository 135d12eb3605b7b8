import { readFileSync } from 'node:fs';
import path from 'node:path';
import { findCircle, readSources, type Source, sourceOf } from './testing/source-tree.ts';

/** The pure files: rules and schemas, without a clock and without anything that waits. */
const CORES = [
  'patient/patients/patient.ts',
  'patient/appointments/appointment.ts',
  'patient/appointments/refusal.ts',
  'patient/history/entry.ts',
  'patient/audit-events/audit-event.ts',
  'doctor/doctors/doctor.ts',
  'doctor/schedules/schedule.ts',
  'doctor/schedules/exception.ts',
  'doctor/availability/interval.ts',
  'doctor/availability/local-time.ts',
  'doctor/availability/open-time.ts',
  'doctor/availability/availability.ts',
  'doctor/reservations/reservation.ts',
];

/** Each may look at those before it; at those behind it only a leaf may, and only at their cores and stores. */
const SLICES: Readonly<Record<string, readonly string[]>> = {
  patient: ['patients', 'appointments', 'history', 'audit-events'],
  doctor: ['doctors', 'schedules', 'availability', 'reservations'],
};

const DOMAIN_WORD =
  /\b(patient|doctor|appointment|schedule|availability|slot|reservation|history)(s|ies)?\b/i;
const SQL_TEXT = /[`'"]\s*(select\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s)/i;
const PRESENT = /\bnew Date\(\)|\bDate\.now\b|\bTemporal\.Now\b/;

const isTest = (file: string): boolean => /\.test\.ts$/.test(file) || file.startsWith('testing/');
const isStore = (file: string): boolean => /\/(store|[a-z-]+-store)\.ts$/.test(file);
const isRoutes = (file: string): boolean => /\/([a-z-]+-)?routes\.ts$/.test(file);
const serviceOf = (file: string): string => file.split('/')[0] ?? '';
const sliceOf = (file: string): string | undefined =>
  file.split('/').length > 2 ? file.split('/')[1] : undefined;
const inProduct = (file: string): boolean => ['patient', 'doctor', 'shared'].includes(serviceOf(file));

const ours = ({ imports }: Source): string[] => imports.flatMap(({ from, isOurs }) => (isOurs ? from : []));
const packages = ({ imports }: Source): string[] =>
  imports.flatMap(({ from, isOurs }) => (isOurs ? [] : from));

const manifest = JSON.parse(readFileSync(path.join(import.meta.dirname, '../package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};
const packageOf = (from: string): string =>
  from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/');

/** Whether `file` looks at a slice that comes after its own, without being allowed to. */
function looksAhead(file: string, target: string): boolean {
  const order = SLICES[serviceOf(file)] ?? [];
  const [own, other] = [sliceOf(file) ?? '', sliceOf(target) ?? ''].map((slice) => order.indexOf(slice));
  if (own === undefined || other === undefined || own < 0 || other <= own) return false;
  return isStore(file) || CORES.includes(file) || !(isStore(target) || CORES.includes(target));
}

/** Each rule with what breaks it in a file; a file breaks no rule when every list is empty. */
const RULES: Readonly<Record<string, (source: Source) => string[]>> = {
  'patient and doctor never import each other': (source) =>
    ours(source).filter((target) =>
      [
        ['patient', 'doctor'],
        ['doctor', 'patient'],
      ].some(([one = '', other = '']) => serviceOf(source.path) === one && serviceOf(target) === other),
    ),
  'shared imports no service': (source) =>
    serviceOf(source.path) === 'shared' && !isTest(source.path)
      ? ours(source).filter((target) => serviceOf(target) !== 'shared')
      : [],
  'shared has no word of the domain': ({ path: file, text }) =>
    serviceOf(file) === 'shared' && !isTest(file)
      ? text.split('\n').filter((line) => DOMAIN_WORD.test(line))
      : [],
  'what tests need is imported by tests alone': (source) =>
    isTest(source.path) ? [] : ours(source).filter(isTest),
  'SQL stands in stores and in the plumbing of the database': ({ path: file, text, ...source }) =>
    inProduct(file) && !isTest(file) && !isStore(file) && !/^shared\/(db|health)\//.test(file)
      ? [
          ...text.split('\n').filter((line) => SQL_TEXT.test(line)),
          ...source.imports
            .filter(({ from }) => from === 'pg' || from === 'shared/db/statement.ts')
            .map(({ from }) => from),
        ]
      : [],
  'stores import neither routes nor HTTP': (source) =>
    isStore(source.path)
      ? [...ours(source), ...packages(source)].filter(
          (from) => isRoutes(from) || /^(express|undici|node:(http|net|fs))/.test(from),
        )
      : [],
  'the environment is read in config files': ({ path: file, text }) =>
    isTest(file) || /(^|\/)config\.ts$/.test(file) || file.startsWith('shared/config/')
      ? []
      : text.split('\n').filter((line) => /\bprocess\.env\b/.test(line)),
  'express is known to routes, app and shared': (source) =>
    serviceOf(source.path) === 'shared' ||
    isRoutes(source.path) ||
    /(^|\/)app\.ts$/.test(source.path) ||
    isTest(source.path)
      ? []
      : packages(source).filter((from) => from === 'express'),
  'other services are asked in clients': (source) =>
    isTest(source.path) || /-client\.ts$/.test(source.path)
      ? []
      : [
          ...packages(source).filter((from) => from === 'undici'),
          ...source.text.split('\n').filter((line) => /(?<![.\w])fetch\(/.test(line)),
        ],
  'no barrels, and no names that say nothing': ({ path: file, text }) => [
    ...(/(^|\/)(index|utils?|helpers?|common|types|misc|lib)(\.ts|\/)/.test(file) ? [file] : []),
    ...text.split('\n').filter((line) => /^export \*/.test(line)),
  ],
  'no default exports': ({ path: file, text }) =>
    file.startsWith('testing/global-')
      ? []
      : text.split('\n').filter((line) => /^export default\b/.test(line)),
  'a process ends in main, lifecycle or local': ({ path: file, text }) =>
    isTest(file) || /(^|\/)main\.ts$/.test(file) || /^(shared\/lifecycle|local)\//.test(file)
      ? []
      : text.split('\n').filter((line) => /\bprocess\.(exit|kill|abort)\(/.test(line)),
  'no rule reads the process’s clock': ({ path: file, text }) =>
    /^(patient|doctor)\//.test(file) && !isTest(file)
      ? text.split('\n').filter((line) => PRESENT.test(line))
      : [],
  'cores wait for nothing and import nothing that does': (source) =>
    CORES.includes(source.path)
      ? [
          ...source.text.split('\n').filter((line) => /\b(async|await|Promise)\b/.test(line)),
          ...packages(source).filter((from) => /^(node:|pg|express|undici)/.test(from)),
          ...ours(source).filter(
            (from) =>
              /^shared\/(db|http|lifecycle|log|metrics)\//.test(from) && !from.endsWith('http/cursor.ts'),
          ),
          ...ours(source).filter((from) => isStore(from) || isRoutes(from)),
        ]
      : [],
  'routes are imported by app alone': (source) =>
    isTest(source.path) || /(^|\/)app\.ts$/.test(source.path) ? [] : ours(source).filter(isRoutes),
  'slices look back, and ahead only from a leaf into a core or store': (source) =>
    isTest(source.path) ? [] : ours(source).filter((target) => looksAhead(source.path, target)),
  'what runs in production needs no development package': (source) =>
    inProduct(source.path) && !isTest(source.path)
      ? packages(source).filter(
          (from) => !from.startsWith('node:') && !Object.hasOwn(manifest.dependencies, packageOf(from)),
        )
      : [],
  'files are short': ({ path: file, text }) => {
    const lines = text.split('\n').length - 1;
    return lines > (/\.test\.ts$/.test(file) ? 500 : 300) ? [`${lines} lines`] : [];
  },
};

const sources = readSources();

test('the files of all services are read', () => {
  expect(sources.length).toBeGreaterThan(100);
  const paths = new Set(sources.map(({ path: file }) => file));
  for (const core of CORES) expect(paths).toContain(core);
  // This file holds texts that are no imports.
  for (const { imports } of sources.filter(({ path: file }) => file !== 'architecture.test.ts'))
    for (const { from, isOurs } of imports) if (isOurs) expect(paths).toContain(from);
});

test.each(Object.entries(RULES))('%s', (_rule, check) => {
  expect(
    sources.flatMap((source) => check(source).map((fault) => `${source.path}: ${fault.trim()}`)),
  ).toEqual([]);
});

test('no file imports itself, by however many others', () => {
  expect(findCircle(sources)).toBeUndefined();
});

/** A file that breaks each rule, so that a rule that holds nothing is noticed. */
const PLANTED: Readonly<Record<keyof typeof RULES, readonly [file: string, text: string]>> = {
  'patient and doctor never import each other': ['patient/a.ts', `import { b } from '../doctor/b.ts';`],
  'shared imports no service': ['shared/db/a.ts', `import type { B } from '../../patient/b.ts';`],
  'shared has no word of the domain': ['shared/db/a.ts', '// Of the doctors.'],
  'what tests need is imported by tests alone': ['local/a.ts', `import { b } from '../testing/b.ts';`],
  'SQL stands in stores and in the plumbing of the database': [
    'patient/patients/a.ts',
    'const A = `select 1`;',
  ],
  'stores import neither routes nor HTTP': ['doctor/doctors/store.ts', `import { request } from 'undici';`],
  'the environment is read in config files': ['doctor/doctors/a.ts', 'const a = process.env.A;'],
  'express is known to routes, app and shared': [
    'doctor/doctors/a.ts',
    `import type { Request } from 'express';`,
  ],
  'other services are asked in clients': ['patient/a.ts', `const a = await fetch('x');`],
  'no barrels, and no names that say nothing': ['doctor/doctors/index.ts', ''],
  'no default exports': ['doctor/a.ts', 'export default function a() {}'],
  'a process ends in main, lifecycle or local': ['doctor/a.ts', 'process.exit(1);'],
  'no rule reads the process’s clock': ['doctor/a.ts', 'const now = new Date();'],
  'cores wait for nothing and import nothing that does': [
    'doctor/doctors/doctor.ts',
    'export async function a() {}',
  ],
  'routes are imported by app alone': ['doctor/schedules/a.ts', `import { b } from '../doctors/routes.ts';`],
  'slices look back, and ahead only from a leaf into a core or store': [
    'doctor/doctors/store.ts',
    `import { b } from '../reservations/store.ts';`,
  ],
  'what runs in production needs no development package': ['doctor/a.ts', `import fc from 'fast-check';`],
  'files are short': ['doctor/a.ts', '\n'.repeat(301)],
};

test.each(Object.entries(PLANTED))('the rule "%s" notices what breaks it', (rule, [file, text]) => {
  expect(RULES[rule]?.(sourceOf(file, text))).toHaveLength(1);
});

test('a circle is found', () => {
  const planted = [
    sourceOf('a/one.ts', `import { two } from './two.ts';`),
    sourceOf('a/two.ts', `import type { Three } from '../b/three.ts';`),
    sourceOf('b/three.ts', `export { one } from '../a/one.ts';`),
  ];
  expect(findCircle(planted)).toEqual(['a/one.ts', 'a/two.ts', 'b/three.ts', 'a/one.ts']);
});
