import { Writable } from 'node:stream';
import pg from 'pg';
import { entryArgs, insertEntryText } from '../shared/audit/audit-store.ts';
import type { Checkpoint } from '../shared/audit/checkpoint.ts';
import type { AuditEvent } from '../shared/audit/event.ts';
import { readEvidence } from '../shared/audit/evidence.ts';
import { createSealer } from '../shared/audit/sealer.ts';
import { connectionSettings } from '../shared/db/connection.ts';
import { type Db, openDatabase } from '../shared/db/database.ts';
import { createLog } from '../shared/log/log.ts';
import { eventually } from './eventually.ts';

/** An event for tests that are about something else. */
export const anEvent = (more: Partial<AuditEvent> = {}): AuditEvent => ({
  subject: 'someone',
  role: 'admin',
  action: 'read',
  method: 'GET',
  route: '/things/:id',
  status: 200,
  problem: null,
  resourceId: null,
  about: [],
  sourceIp: '127.0.0.1',
  requestId: 'request',
  ...more,
});

/** What stores need, on one connection: everything between `begin` and `rollback` is seen by them too. */
export const onClient = (client: pg.Client): Db => ({
  query: async (statement, args) =>
    (await client.query({ name: statement.name, text: statement.text, values: args as unknown as unknown[] }))
      .rows as never,
});

/** Appends so many entries of one event each. */
export const appendEntries = (client: pg.Client, count: number, event = anEvent()): Promise<unknown> =>
  client.query(insertEntryText(1, 'generate_series(1, $3::integer)'), [...entryArgs([event]), count]);

export async function connectTo(url: string): Promise<pg.Client> {
  const client = new pg.Client(connectionSettings(url));
  await client.connect();
  return client;
}

/** A sealer on a database, and the lines that it wrote. */
export function startSealer(url: string, service = 'things') {
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk).trim());
      done();
    },
  });
  const log = createLog(service, 'silent', sink);
  const db = openDatabase({ url, poolMax: 2, constraints: {}, onIdleError: () => undefined });
  const rounds: { sealed: number; lagSeconds: number }[] = [];
  const sealer = createSealer({
    db,
    log,
    service,
    key: undefined,
    onRound: (round) => void rounds.push(round),
  });
  sealer.start();
  return {
    lines,
    rounds,
    checkpoints: (): readonly Checkpoint[] => readEvidence(lines, service, undefined).checkpoints,
    stop: async () => {
      await sealer.stop();
      await db.close();
    },
  };
}

const COUNTS = `select (select count(*) from audit_entries)::integer as entries, (select count(*) from audit_links)::integer as links`;

/** Waits until every entry has a link and a checkpoint covers the last one. */
export const sealed = (
  client: pg.Client,
  sealer: { checkpoints: () => readonly Checkpoint[] },
): Promise<void> =>
  eventually(async () => {
    const { rows } = await client.query<{ entries: number; links: number }>(COUNTS);
    expectEqual(rows[0]?.links, rows[0]?.entries);
    expectEqual(sealer.checkpoints().at(-1)?.position, rows[0]?.links);
  }, 15_000);

function expectEqual(given: unknown, wanted: unknown): void {
  if (given !== wanted) throw new Error(`${given} is not ${wanted}`);
}
