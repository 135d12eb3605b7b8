import { spawn } from 'node:child_process';
import { limitMs } from './limits.ts';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface RunOptions {
  input?: string;
  cwd?: string;
  /** Beside this process's own variables. */
  env?: Readonly<Record<string, string>>;
  /** Killed after so long; five minutes unless told otherwise. */
  timeoutMs?: number;
}

/** Runs a program to its end, whatever that is; rejects when it does not end in time. */
export function tryRun(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { input, cwd, env, timeoutMs = limitMs(300) } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    const deadline = setTimeout(() => {
      child.kill('SIGKILL');
      // What it started may hold these for ever.
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
      const said = (stderr || stdout).slice(-2_000);
      reject(
        new Error(
          `${program} ${args.join(' ')} did not end within ${timeoutMs / 1_000} s${said && `: ${said}`}`,
        ),
      );
    }, timeoutMs);
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.once('error', (error) => {
      clearTimeout(deadline);
      reject(error);
    });
    child.once('close', (code) => {
      clearTimeout(deadline);
      resolve({ code, stdout, stderr });
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** Runs a program and returns what it printed; rejects with its last words when it fails. */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await tryRun(program, args, options);
  if (code === 0) return stdout;
  throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${(stderr || stdout).slice(-2_000)}`);
}
