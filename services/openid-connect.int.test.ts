import { type AccessProcesses, startAccessProcesses } from './testing/access-processes.ts';
import { itemsOf, send } from './testing/access-world.ts';
import { type OpenIdProvider, startOpenIdProvider } from './testing/openid.ts';

const API = 'https://api.clinic.example';

let provider: OpenIdProvider;
let world: AccessProcesses;
beforeAll(async () => {
  provider = await startOpenIdProvider();
  const entry = {
    issuer: provider.issuer,
    audience: API,
    jwksUri: `${provider.issuer}/jwks`,
    algorithms: ['RS256'],
    typ: 'at+jwt',
    roleClaim: '/groups',
    roles: { 'front desk': 'receptionist', physicians: 'doctor' },
  };
  world = await startAccessProcesses([entry]);
  provider.knows({
    rita: { groups: ['staff', 'front desk'] },
    dora: { groups: ['physicians'], doctor_id: world.mine.doctorId },
    guest: { groups: ['visitors'] },
  });
}, 60_000);
afterAll(async () => {
  await provider?.stop();
  await world?.stop();
  await world?.remove();
});

const get = (path: string, token: string) => send(world.patient, 'GET', { path }, token);

test('200 with the access token of a person who has signed in at an OpenID Connect provider', async () => {
  const { access_token: token } = await provider.signIn('rita', API);
  const answer = await get('/patients', token);
  expect(answer.status).toBe(200);
  expect(itemsOf(answer).map(({ id }) => id)).toContain(world.theirs.patientId);
  const { rows } = await world.patient.db.query(
    'select subject, role from audit_events order by id desc limit 1',
  );
  expect(rows).toEqual([{ subject: `${provider.issuer}#rita`, role: 'receptionist' }]);
  const doctors = await send(world.doctor, 'GET', { path: '/doctors' }, token);
  expect(doctors.status).toBe(200);
});

test('a doctor who has signed in reaches those patients that the claim doctor_id has', async () => {
  const { access_token: token } = await provider.signIn('dora', API);
  expect(itemsOf(await get('/patients', token)).map(({ id }) => id)).toEqual([world.mine.patientId]);
  expect((await get(`/patients/${world.mine.patientId}/history`, token)).status).toBe(200);
  expect((await get(`/patients/${world.theirs.patientId}/history`, token)).status).toBe(404);
});

test('403 for a person whose groups mean no role here', async () => {
  const { access_token: token } = await provider.signIn('guest', API);
  expect((await get('/patients', token)).status).toBe(403);
});

test('401 for an ID token, and for an access token that is meant for another API', async () => {
  const { id_token: idToken } = await provider.signIn('rita', API);
  expect((await get('/patients', idToken)).status).toBe(401);
  const { access_token: other } = await provider.signIn('rita', 'https://other.example');
  expect((await get('/patients', other)).status).toBe(401);
});
