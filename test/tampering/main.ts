// Bends the audit trail in random ways, one at a time, and looks whether audit:verify finds each.
// npm run test:tampering -- [--count N] [--seed N]
import { parseArgs } from 'node:util';
import { verifyTrail } from '../../services/shared/audit/verify.ts';
import {
  anEvent,
  appendEntries,
  connectTo,
  onClient,
  sealed,
  startSealer,
} from '../../services/testing/audit-trail.ts';
import startTestServer from '../../services/testing/global-setup.ts';
import { createDatabase } from '../../services/testing/postgres.ts';
import { picker, TAMPERINGS } from '../../services/testing/tampering.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const [count, seed] = [Number(values.count), Number(values.seed)];
const ENTRIES = 300;

await startTestServer();
const database = await createDatabase('patient');
const client = await connectTo(database.ownerUrl);
const sealer = startSealer(database.url, 'patient');
for (let n = 0; n < ENTRIES; n += 1) await appendEntries(client, 1, anEvent({ requestId: String(n) }));
await sealed(client, sealer);
await sealer.stop();
const checkpoints = sealer.checkpoints();

const pick = picker(seed);
const ways = Object.entries(TAMPERINGS);
const found: Record<string, number> = {};
const missed: string[] = [];
for (let attempt = 1; attempt <= count; attempt += 1) {
  const [name, tamper] = ways[pick(ways.length) - 1] ?? ways[0] ?? [];
  if (name === undefined || tamper === undefined) throw new Error('there is no way to tamper');
  await client.query('begin');
  await tamper({ client, covered: ENTRIES, pick });
  const { ok } = await verifyTrail(onClient(client), checkpoints);
  await client.query('rollback');
  if (ok) missed.push(`attempt ${attempt}: ${name}`);
  else found[name] = (found[name] ?? 0) + 1;
}
const { ok } = await verifyTrail(onClient(client), checkpoints);
await client.end();
await globalThis.stopTestServer();
console.log(found);
console.log(
  `${count - missed.length} of ${count} found (seed ${seed}); the trail itself is ${ok ? 'ok' : 'NOT ok'}`,
);
for (const line of missed) console.error(`missed ${line}`);
process.exit(ok && missed.length === 0 ? 0 : 1);
