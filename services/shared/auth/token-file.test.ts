import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from '../../testing/eventually.ts';
import { tokenFile } from './token-file.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'token-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a token is read again when it was renewed, and kept while there is none', async () => {
  const file = path.join(folder, 'token');
  writeFileSync(file, 'first\n');
  const token = tokenFile(file);
  expect(token()).toBe('first');
  writeFileSync(file, 'second');
  utimesSync(file, new Date(), new Date(Date.now() + 5_000));
  await eventually(async () => expect(token()).toBe('second'));
  rmSync(file);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  expect(token()).toBe('second');
});

test('without a file there is no token, and one that is not there yet is waited for', async () => {
  expect(tokenFile(undefined)()).toBeUndefined();
  const file = path.join(folder, 'late');
  const token = tokenFile(file);
  expect(token()).toBeUndefined();
  writeFileSync(file, 'late');
  await eventually(async () => expect(token()).toBe('late'));
});
