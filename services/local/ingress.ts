import { parse } from 'yaml';
import { z } from 'zod';

/** Paths that begin with these elements go to this service. */
export interface Route {
  path: string;
  service: string;
  /** The name of the service's port. */
  port: string;
}

// Strict, because a rule that the cluster follows and the laptop overlooks would make two different front doors.
const ingress = z.strictObject({
  apiVersion: z.literal('networking.k8s.io/v1'),
  kind: z.literal('Ingress'),
  metadata: z.strictObject({ name: z.string() }),
  spec: z.strictObject({
    rules: z.array(
      z.strictObject({
        http: z.strictObject({
          paths: z.array(
            z.strictObject({
              path: z.string().startsWith('/'),
              pathType: z.literal('Prefix'),
              backend: z.strictObject({
                service: z.strictObject({ name: z.string(), port: z.strictObject({ name: z.string() }) }),
              }),
            }),
          ),
        }),
      }),
    ),
  }),
});

const elements = (path: string): string[] => path.split('/').filter((element) => element !== '');

/** The routes of an Ingress manifest, the longest first. Throws on whatever the gateway could not do alike. */
export function readRoutes(manifest: string): Route[] {
  const { spec } = ingress.parse(parse(manifest));
  return spec.rules
    .flatMap((rule) => rule.http.paths)
    .map(({ path, backend: { service } }) => ({ path, service: service.name, port: service.port.name }))
    .sort((a, b) => elements(b.path).length - elements(a.path).length);
}

/** The first route whose elements begin the path: `/patients` holds `/patients/1` and not `/patientsandmore`. */
export function findRoute(routes: readonly Route[], path: string): Route | undefined {
  // A path that is not in its plain form could mean one thing to us and another to the service.
  if (!path.startsWith('/') || /\/\/|\/\.\.?(\/|$)/.test(path)) return undefined;
  const given = elements(path);
  return routes.find((route) => elements(route.path).every((element, index) => element === given[index]));
}
