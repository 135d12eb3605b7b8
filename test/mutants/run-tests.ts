import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What came of the tests: `failed` names the first failing one, `broken` says why none could run. */
export type Result =
  | { outcome: 'passed' | 'hung' }
  | { outcome: 'failed'; test: string }
  | { outcome: 'broken'; output: string };

export interface TestRun {
  root: string;
  /** Patterns of the paths of test files. */
  tests: readonly string[];
  limitSeconds: number;
  signal: AbortSignal;
}

/** How jest heads a failing test; what a test printed has such a head too. */
const FAILED_TEST = /^ {2}● (?!Console$)(.+)$/m;
const DOES_NOT_LOAD = /SyntaxError|Syntax Error|Cannot find module|does not provide an export/;

/** Runs test files in one process until one of them fails; what takes longer than its limit is killed. */
export async function runTests({ root, tests, limitSeconds, signal }: TestRun): Promise<Result> {
  const child = spawn(
    process.execPath,
    [
      ...[
        '--experimental-vm-modules',
        join('node_modules', 'jest', 'bin', 'jest.js'),
        '--bail',
        '--runInBand',
      ],
      ...['--selectProjects', 'pure', 'postgres', 'alone', '--testPathPatterns', ...tests],
    ],
    // A group of its own, so that whatever the tests have started ends with it.
    {
      cwd: root,
      env: { ...process.env, CI: 'true', FORCE_COLOR: '0' },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));

  let isKilled = false;
  const kill = () => {
    isKilled = true;
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  const timer = setTimeout(kill, limitSeconds * 1000);
  signal.addEventListener('abort', kill);
  // Not before all that was printed has arrived.
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  signal.removeEventListener('abort', kill);

  if (code === 0) return { outcome: 'passed' };
  const [, test] = FAILED_TEST.exec(output) ?? [];
  if (test !== undefined && !DOES_NOT_LOAD.test(output)) return { outcome: 'failed', test };
  return isKilled ? { outcome: 'hung' } : { outcome: 'broken', output };
}
