import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const VERSION = '4.32.5';

const say = (error: unknown): string => {
  const { stderr, message } = error as Error & { stderr?: string };
  return (stderr || message).trim().split('\n').at(-1) ?? '';
};

/**
 * The path of schemathesis, in an environment of Python's below the user's cache; made once.
 * @throws Error that says in one line what is missing
 */
export function schemathesis(): string {
  const folder = join(homedir(), '.cache', `clinic-schemathesis-${VERSION}`);
  const program = join(folder, 'bin', 'schemathesis');
  if (existsSync(program)) return program;
  const run = (command: string, args: readonly string[]) =>
    execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000 });
  try {
    run('python3', ['-m', 'venv', '--clear', folder]);
  } catch (error) {
    throw new Error(`schemathesis needs python3 (3.10 or later) with venv: ${say(error)}`);
  }
  try {
    run(join(folder, 'bin', 'pip'), [
      'install',
      '--quiet',
      '--disable-pip-version-check',
      `schemathesis==${VERSION}`,
    ]);
  } catch (error) {
    throw new Error(`schemathesis ${VERSION} could not be installed from PyPI: ${say(error)}`);
  }
  return program;
}
