import { DOCTOR_ROUTES, PATIENT_ROUTES, type Row } from './testing/access-routes.ts';
import { type Pair, ROLES, type Sent, send, startWorld, type World } from './testing/access-world.ts';
import type { TestService } from './testing/service.ts';
import { signWithPublicKey, unsigned } from './testing/tokens.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

/** Whatever else is answered, the caller was let in. */
const REFUSALS = [401, 403, 404, 500, 503];

const SERVICES: [string, Record<string, [Row, (pair: Pair) => Sent]>, () => TestService][] = [
  ['patient', PATIENT_ROUTES, () => world.patient],
  ['doctor', DOCTOR_ROUTES, () => world.doctor],
];

describe.each(SERVICES)('the %s service', (_name, routes, service) => {
  test('has no route that this matrix does not ask', async () => {
    const { paths } = (await (await fetch(`${service().url}/openapi.json`)).json()) as {
      paths: Record<string, object>;
    };
    const served = Object.entries(paths).flatMap(([pattern, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${pattern.replace(/\{(\w+)\}/g, ':$1')}`),
    );
    expect(served.sort()).toEqual(Object.keys(routes).sort());
  });

  describe.each(Object.entries(routes))('%s', (route, [row, request]) => {
    const [method = ''] = route.split(' ');

    test('401 without a token, and for one that is not good', async () => {
      const seconds = Math.floor(Date.now() / 1000);
      const bad = [
        undefined,
        'nonsense',
        await world.issuer.sign({ role: 'admin', exp: seconds - 60 }),
        await world.issuer.sign({ role: 'admin', exp: undefined }),
        await world.issuer.sign({ role: 'admin', nbf: seconds + 60 }),
        await world.issuer.sign({ role: 'admin', aud: 'somebody-else' }),
        await world.issuer.sign({ role: 'admin', iss: 'https://other.example' }),
        unsigned(world.issuer, { role: 'admin' }),
        await signWithPublicKey(world.issuer, { role: 'admin' }),
      ];
      for (const token of bad) {
        const { status, text } = await send(service(), method, request(world.mine), token);
        expect([status, text]).toEqual([401, expect.stringContaining('urn:problem-type:unauthenticated')]);
      }
    });

    test.each(ROLES)('%s', async (role) => {
      const pair = await world.seedPair(world.mine);
      const own = await send(service(), method, request(pair), await world.tokenOf(role));
      const reach = row[role as keyof Row] ?? '–';
      if (reach === '–') {
        expect(own.status).toBe(403);
        return;
      }
      expect(REFUSALS).not.toContain(own.status);
      const others = await world.seedPair(world.theirs);
      const other = await send(service(), method, request(others), await world.tokenOf(role));
      if (reach === 'own') expect([403, 404]).toContain(other.status);
      else expect(REFUSALS).not.toContain(other.status);
    });
  });
});
