import { send, startWorld, type World } from './testing/access-world.ts';
import { createIssuer, signWithPublicKey, unsigned } from './testing/tokens.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

/** How many requests were answered 401, by reason. */
async function counted(): Promise<Record<string, number>> {
  const { text } = await send(world.patient, 'GET', { path: '/metrics' });
  const samples = text.matchAll(/^http_requests_unauthenticated_total\{reason="([^"]+)".*\} (\d+)$/gm);
  return Object.fromEntries([...samples].map(([, reason, count]) => [reason, Number(count)]));
}

const seconds = (ahead: number): number => Math.floor(Date.now() / 1000) + ahead;
const sign = (claims: Record<string, unknown>) => world.issuer.sign({ role: 'admin', ...claims });

test.each<[string, () => Promise<string | undefined> | string]>([
  ['missing', async () => undefined],
  ['malformed', () => 'no token'],
  ['malformed', () => 'nonsense'],
  ['unknown-issuer', () => sign({ iss: 'https://other.example' })],
  ['unknown-key', async () => (await createIssuer({ keyId: 'key-2' })).sign({ role: 'admin' })],
  ['algorithm', () => unsigned(world.issuer, { role: 'admin' })],
  ['algorithm', () => signWithPublicKey(world.issuer, { role: 'admin' })],
  ['signature', async () => (await createIssuer()).sign({ role: 'admin' })],
  ['expired', () => sign({ exp: seconds(-60) })],
  ['not-yet-valid', () => sign({ nbf: seconds(60) })],
  ['audience', () => sign({ aud: 'somebody-else' })],
  ['claims', () => sign({ exp: undefined })],
  ['claims', () => sign({ sub: 77 })],
])('a 401 is counted and logged as %s, and tells its sender nothing of it', async (reason, make) => {
  const before = await counted();
  const requestId = `${reason}-${Math.random()}`;
  const headers = { 'x-request-id': requestId };
  const answer = await send(world.patient, 'GET', { path: '/patients', headers }, await make());
  expect([answer.status, answer.text.includes('"reason"')]).toEqual([401, false]);
  expect(await counted()).toEqual({ ...before, [reason]: (before[reason] ?? 0) + 1 });
  const line = world.patient
    .logged()
    .split('\n')
    .find((each) => each.includes(requestId));
  expect(JSON.parse(line ?? '{}')).toMatchObject({ status: 401, problem: 'unauthenticated', reason });
});
