import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CannotStart } from './cannot-start.ts';
import { type LogLevel, readableLine } from './log-line.ts';
import type { Part } from './parts.ts';
import { endOf } from './processes.ts';

interface Program {
  name: string;
  script: string;
  args?: readonly string[];
  env: NodeJS.ProcessEnv;
  logLevel: LogLevel;
  /** Starts again when a file changes. */
  watch?: boolean;
}

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/**
 * Starts one of our own programs as a process in a session of its own, so that Ctrl-C reaches us alone and we stop one
 * part after the other. Without us it ends too (leash.ts).
 */
export function startProgram({ name, script, args = [], env, logLevel, watch = false }: Program): Part {
  const child = spawn(
    process.execPath,
    [
      ...(watch ? ['--watch', '--watch-preserve-output'] : []),
      ...['--import', 'tsx', '--import', path('./leash.ts'), path(script), ...args],
    ],
    { cwd: path('../..'), env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      const text = readableLine(line, logLevel);
      if (text !== undefined) console.error(`[${name}] ${text}`);
    });
  }
  const ended = endOf(child);
  return {
    name,
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
    kill: () => {
      // The whole group: under --watch there are two processes.
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, 'SIGKILL');
    },
  };
}

/** Runs a program to its end. Throws CannotStart when that is not a good one; what was wrong it has printed itself. */
export async function runProgram(program: Program, signal: AbortSignal): Promise<void> {
  const part = startProgram(program);
  const kill = () => part.kill();
  signal.addEventListener('abort', kill);
  const end = await part.ended;
  signal.removeEventListener('abort', kill);
  signal.throwIfAborted();
  if (end !== 'exit code 0') throw new CannotStart(`${program.name} failed (${end}): see above.`);
}
