import { crash } from './testing/audit-crash.ts';

test('every 2xx that a client saw has its event, and the chain verifies, after SIGKILL of the service and of the database under load', async () => {
  const { answered, wrong, verification } = await crash(4);
  expect(answered).toBeGreaterThan(50);
  expect(wrong).toEqual([]);
  expect(verification).toMatchObject({ ok: true });
}, 120_000);
