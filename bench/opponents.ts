import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '../services/patient/patients/store.ts';
import { freePort } from '../services/local/ports.ts';
import { definedStatements } from '../services/shared/db/statement.ts';
import { createIssuer } from '../services/testing/tokens.ts';
import { POD_HEAP, type Program, type System, startProgram } from './system.ts';

/** Enough that a cache of one flatters nobody. */
const TOKENS = 200;

export const opponentNames = ['ours', 'again', 'unaudited', 'bare', 'textbook', 'fastify'] as const;
export type OpponentName = (typeof opponentNames)[number];

export interface Opponents {
  programs: Readonly<Record<OpponentName, Program>>;
  /** Of receptionists, who may read every patient. */
  tokens: readonly string[];
  stop: () => Promise<void>;
}

/**
 * Programs that answer GET /patients/{id} out of one database, with the same SQL: ours with token, log, metrics and audit trail, twice;
 * ours without the trail; node:http and pg alone; the stack of most tutorials, which checks each token; Fastify as documented.
 */
export async function startOpponents(node: string, { databaseUrl, doctor }: System): Promise<Opponents> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-opponents-'));
  const issuer = await createIssuer();
  const issuersFile = join(folder, 'issuers.json');
  await writeFile(issuersFile, JSON.stringify([issuer.entry]));
  const sql = definedStatements().find(({ name }) => name === 'patients.find')?.text;
  if (sql === undefined) throw new Error('the patient store has no statement patients.find');
  const env = {
    NODE_ENV: 'production',
    NODE_OPTIONS: POD_HEAP,
    DATABASE_URL: databaseUrl('patient'),
    PATIENT_SQL: sql,
    AUTH: 'jwt',
    AUTH_ISSUERS_FILE: issuersFile,
    DOCTOR_SERVICE_URL: `http://127.0.0.1:${doctor.port}`,
    DRAIN_DELAY_MS: '0',
    MAX_REQUESTS_PER_SECOND: '100000',
  };
  const start = async (script: string, ready: RegExp): Promise<Program> =>
    startProgram([node, script], env, await freePort(), ready);
  const programs = {
    ours: await start('dist/patient/main.js', /"ready/),
    again: await start('dist/patient/main.js', /"ready/),
    unaudited: await start('bench/unaudited.mjs', /"ready/),
    bare: await start('bench/bare.mjs', /listening/),
    textbook: await start('bench/textbook.mjs', /listening/),
    fastify: await start('bench/fastify.mjs', /listening/),
  };
  return {
    programs,
    tokens: await Promise.all(
      Array.from({ length: TOKENS }, (_, n) => issuer.sign({ role: 'receptionist', sub: `desk ${n}` })),
    ),
    stop: async () => {
      for (const program of Object.values(programs)) await program.stop();
      await rm(folder, { recursive: true });
    },
  };
}
