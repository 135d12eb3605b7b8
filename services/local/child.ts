import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type LogLevel, readableLine } from './log-line.ts';
import type { Part } from './parts.ts';
import { endOf } from './processes.ts';

interface Program {
  name: string;
  script: string;
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
export function startProgram({ name, script, env, logLevel, watch = false }: Program): Part {
  const child = spawn(
    process.execPath,
    [
      ...(watch ? ['--watch', '--watch-preserve-output'] : []),
      ...['--import', 'tsx', '--import', path('./leash.ts'), path(script)],
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
