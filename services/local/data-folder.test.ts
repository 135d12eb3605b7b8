import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimDataFolder, holderOf } from './data-folder.ts';
import { endOf } from './processes.ts';

let folder: string;
let other: ChildProcess;
let gone: number;

/** A process that looks like a run of ours, until it is killed. */
function aRun(): ChildProcess {
  return spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'services/local/main.ts'], {
    stdio: 'ignore',
  });
}

const hold = (holder: object) => writeFile(join(folder, 'running.json'), JSON.stringify(holder));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clinic-folder-'));
  const ended = aRun();
  ended.kill('SIGKILL');
  await endOf(ended);
  gone = ended.pid ?? 0;
  other = aRun();
});

afterEach(async () => {
  other.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

test('is taken until it is given back', async () => {
  const release = await claimDataFolder(folder, undefined);
  expect(JSON.parse(await readFile(join(folder, 'running.json'), 'utf8'))).toEqual({ pid: process.pid });
  await release();
  expect(await holderOf(folder)).toEqual({ state: 'none' });
});

test('a run that was killed does not keep it', async () => {
  await hold({ pid: gone });
  expect(await holderOf(folder)).toEqual({ state: 'killed' });
  const release = await claimDataFolder(folder, undefined);
  await release();
});

test('a run whose process id belongs to another program now does not keep it either', async () => {
  await hold({ pid: process.pid });
  expect(await holderOf(folder)).toEqual({ state: 'killed' });
});

test('a running one keeps it, and is named', async () => {
  await hold({ pid: other.pid });
  await expect(claimDataFolder(folder, undefined)).rejects.toThrow(
    `${folder} is in use by another npm start (process ${other.pid}): stop it, or set DATA_DIR.`,
  );
});

test('one that has lost its npm is waited for', async () => {
  await hold({ pid: other.pid, npm: gone });
  expect(await holderOf(folder)).toEqual({ state: 'leaving', pid: other.pid });
  const claimed = claimDataFolder(folder, undefined);
  other.kill('SIGKILL');
  await (await claimed)();
});

test('says in one line that it cannot be written', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  await expect(claimDataFolder(file, undefined)).rejects.toThrow(
    `The data folder ${file} cannot be written (EEXIST): set DATA_DIR to a folder that may be.`,
  );
});
