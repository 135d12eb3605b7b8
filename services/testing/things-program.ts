import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endOf } from '../local/processes.ts';
import { eventually } from './eventually.ts';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

type Line = Record<string, unknown> & { msg: string; level: string };

/** The service of things as a process of its own: what it prints, and how it has ended. */
export interface Program {
  child: ChildProcess;
  ended: Promise<string>;
  lines: Line[];
  errors: string[];
  url: string;
}

const running: ChildProcess[] = [];

/** Starts the program of the tests; what it prints is collected. */
export function spawnProgram(variables: Record<string, string>, args: readonly string[] = []): Program {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--import', here('../local/leash.ts'), here('./things-main.ts'), ...args],
    { env: { PATH: process.env.PATH, ...variables }, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  running.push(child);
  const program: Program = { child, ended: endOf(child), lines: [], errors: [], url: '' };
  createInterface({ input: child.stdout }).on('line', (line) => program.lines.push(JSON.parse(line) as Line));
  createInterface({ input: child.stderr }).on('line', (line) => program.errors.push(line));
  return program;
}

/** What it has told; without checkpoints, which come when they come. */
export const messages = ({ lines }: Program): string[] =>
  lines.map(({ msg }) => msg).filter((message) => message !== 'audit checkpoint');

/** Started, listening, and ready unless told otherwise. */
export async function startProgram(variables: Record<string, string>, isReady = true): Promise<Program> {
  const program = spawnProgram({
    AUTH: 'off',
    PORT: '0',
    DRAIN_DELAY_MS: '0',
    ...variables,
  });
  await eventually(async () => {
    expect(messages(program)).toContain('listening');
    if (isReady) expect(messages(program)).toContainEqual(expect.stringMatching(/^ready/));
  });
  const port = program.lines.find(({ msg }) => msg === 'listening')?.port;
  program.url = `http://127.0.0.1:${port}`;
  return program;
}

/** Kills every one that was started here and is still there. */
export function killPrograms(): void {
  for (const child of running.splice(0)) child.kill('SIGKILL');
}
