import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type Checkpoint,
  isSignedBy,
  makeSigningKey,
  readPublicKey,
  readSigningKey,
  signCheckpoint,
} from './checkpoint.ts';
import { readEvidence } from './evidence.ts';

const claim = {
  service: 'things',
  position: 7,
  entryId: '9',
  hash: 'ab'.repeat(32),
  time: '2026-11-22T10:00:00Z',
};
const key = makeSigningKey();
const checkpoint = signCheckpoint(key, claim);
const publicKey = readPublicKey(key.publicKey).key;
const line = (entry: object) => JSON.stringify({ level: 'info', ...entry });
const announcement = line({ auditKey: { keyId: key.keyId, publicKey: key.publicKey } });

test('a checkpoint is signed by its key and by no other, and no member can be changed', () => {
  expect(isSignedBy(publicKey, checkpoint)).toBe(true);
  expect(isSignedBy(readPublicKey(makeSigningKey().publicKey).key, checkpoint)).toBe(false);
  const changes: Partial<Checkpoint>[] = [
    { service: 'others' },
    { position: 8 },
    { entryId: '8' },
    { hash: 'cd'.repeat(32) },
    { time: '2026-11-22T10:00:01Z' },
    { keyId: 'x' },
    { endOf: '2026-11' },
  ];
  for (const change of changes)
    expect([change, isSignedBy(publicKey, { ...checkpoint, ...change })]).toEqual([change, false]);
});

test('the evidence of a log is the checkpoints of the service, by position, whatever lines are between them', () => {
  const later = signCheckpoint(key, { ...claim, position: 9 });
  const other = signCheckpoint(key, { ...claim, service: 'others' });
  const lines = [
    announcement,
    'no JSON "checkpoint"',
    '',
    line({ checkpoint: later }),
    line({ checkpoint: other }),
    line({ checkpoint }),
  ];
  expect(readEvidence(lines, 'things', undefined)).toEqual({
    checkpoints: [checkpoint, later],
    trusted: [key.keyId],
    unknown: 0,
  });
});

test('with a key, what the log announces is not believed', () => {
  const forger = makeSigningKey();
  const forged = signCheckpoint(forger, claim);
  const lines = [
    line({ auditKey: { keyId: forger.keyId, publicKey: forger.publicKey } }),
    line({ checkpoint: forged }),
    line({ checkpoint }),
  ];
  expect(readEvidence(lines, 'things', key.publicKey)).toEqual({
    checkpoints: [checkpoint],
    trusted: [],
    unknown: 1,
  });
});

test('a checkpoint that its key did not sign is refused by its line', () => {
  const lines = [announcement, line({ checkpoint: { ...checkpoint, position: 8 } })];
  expect(() => readEvidence(lines, 'things', undefined)).toThrow(
    `line 2 holds a checkpoint that key ${key.keyId} did not sign`,
  );
});

describe('AUDIT_KEY_FILE', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'audit-key-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'key.pem');
  const read = (content: string | Buffer) => {
    writeFileSync(file, content);
    return readSigningKey(file, 'AUDIT_KEY_FILE');
  };

  test('names an Ed25519 key, which keeps its id', () => {
    const pem = key.privateKey.export({ type: 'pkcs8', format: 'pem' });
    expect(read(pem)).toMatchObject({ keyId: key.keyId, publicKey: key.publicKey });
    expect(readPublicKey(String(pem)).keyId).toBe(key.keyId);
  });

  test.each([
    ['is no key', 'nonsense'],
    ['is empty', ''],
    [
      'is another kind of key',
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    ],
  ])('a file that %s is refused in one line, and not quoted', (_what, content) => {
    expect(() => read(content)).toThrow('AUDIT_KEY_FILE must name a file with an Ed25519 private key in PEM');
  });

  test('a file that is not there is refused', () => {
    expect(() => readSigningKey(path.join(folder, 'none'), 'AUDIT_KEY_FILE')).toThrow(
      'AUDIT_KEY_FILE names a file that cannot be read: ENOENT',
    );
  });
});
