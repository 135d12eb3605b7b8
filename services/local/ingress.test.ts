import { readFileSync } from 'node:fs';
import { findRoute, readRoutes } from './ingress.ts';

const manifest = readFileSync(new URL('../../k8s/base/ingress.yaml', import.meta.url), 'utf8');
const routes = readRoutes(manifest);
const serviceOf = (path: string) => findRoute(routes, path)?.service;

const manifestWith = (paths: readonly object[], more: object = {}): string =>
  JSON.stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'clinic' },
    spec: { rules: [{ http: { paths }, ...more }] },
  });

const to = (path: string, name: string, pathType = 'Prefix') => ({
  path,
  pathType,
  backend: { service: { name, port: { name: 'http' } } },
});

describe('the Ingress of the project', () => {
  test.each([
    ['/patients', 'patient'],
    ['/patients/', 'patient'],
    ['/patients/0198/history', 'patient'],
    ['/appointments/0198.ics', 'patient'],
    ['/doctors/0198/schedule', 'doctor'],
    ['/availability', 'doctor'],
  ])('routes %s to the %s service', (path, service) => {
    expect(serviceOf(path)).toBe(service);
  });

  test.each(
    '/ /reservations /reservations/0198 /metrics /livez /readyz /healthz /docs /openapi.json /audit-events'.split(
      ' ',
    ),
  )('does not route %s', (path) => {
    expect(serviceOf(path)).toBeUndefined();
  });

  test.each([
    '/patientsandmore',
    '/Patients',
    'patients',
    '//patients',
    '/patients//0198',
    '/doctors/../reservations/0198',
    '/doctors/./0198',
    '/%70atients',
    'http://127.0.0.1/patients',
    '*',
    '',
  ])('does not take %j for one of its paths', (path) => {
    expect(serviceOf(path)).toBeUndefined();
  });

  test('reaches every service by the port that is named http', () => {
    expect(new Set(routes.map(({ port }) => port))).toEqual(new Set(['http']));
  });
});

describe('readRoutes', () => {
  test('puts the longest path first, whatever the order in the manifest', () => {
    const two = readRoutes(manifestWith([to('/a', 'short'), to('/a/b', 'long'), to('/', 'rest')]));
    expect(['/a/x', '/a/b', '/a/b/c', '/a/bc', '/z'].map((path) => findRoute(two, path)?.service)).toEqual([
      'short',
      'long',
      'long',
      'short',
      'rest',
    ]);
  });

  test.each([
    ['a path type of which the cluster makes something else', manifestWith([to('/a', 'a', 'Exact')])],
    ['a host', manifestWith([to('/a', 'a')], { host: 'clinic.example' })],
    ['another kind', manifestWith([to('/a', 'a')]).replace('Ingress', 'Service')],
  ])('refuses %s instead of overlooking it', (_what, text) => {
    expect(() => readRoutes(text)).toThrow();
  });
});
