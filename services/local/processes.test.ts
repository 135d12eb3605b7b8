import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { endOf } from './processes.ts';

const command = (code: string) => spawn(process.execPath, ['-e', code], { stdio: 'ignore' });

test.each([
  ['exit code 3', 'process.exit(3)'],
  ['SIGKILL', "process.kill(process.pid, 'SIGKILL')"],
])('%s is told before and after the process has ended', async (how, code) => {
  const child = command(code);
  const before = endOf(child);
  await once(child, 'exit');
  expect([await before, await endOf(child)]).toEqual([how, how]);
});

test('a program that is not there has ended with the reason', async () => {
  const child = spawn('/nowhere/program');
  expect(await endOf(child)).toContain('ENOENT');
});
