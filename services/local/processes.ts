import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/**
 * The command line of a live process, or undefined when there is none. A process that has ended, but that nobody has
 * waited for yet, counts as none: without an init process, as in many containers, it would stay for ever.
 */
export function commandOf(pid: number): string | undefined {
  try {
    if (existsSync('/proc/self/cmdline')) {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() || undefined;
    }
    const [state = '', ...command] = execFileSync('ps', ['-ww', '-o', 'state=,command=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .trim()
      .split(/\s+/);
    return state.startsWith('Z') ? undefined : command.join(' ') || undefined;
  } catch {
    return undefined;
  }
}

/** Resolves when a process has ended, with its exit code or signal; also where that was before anybody asked. */
export function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    const tell = (code: number | null, signal: string | null) => resolve(signal ?? `exit code ${code}`);
    child.once('error', (error) => resolve(error.message));
    child.once('exit', tell);
    if (child.exitCode !== null || child.signalCode !== null) tell(child.exitCode, child.signalCode);
  });
}
