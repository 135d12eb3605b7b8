import { chmodSync, cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

/** What is no source, or is linked instead. */
const LEFT_OUT = new Set(['node_modules', '.git', 'dist', '.data', 'coverage']);

/** A copy of the tree to be changed at will, below a folder that PostgreSQL's user can enter. */
export function copyTree(root: string): { root: string; remove: () => void } {
  const copy = mkdtempSync(join(tmpdir(), 'clinic-mutants-'));
  chmodSync(copy, 0o755);
  cpSync(root, copy, { recursive: true, filter: (file) => !LEFT_OUT.has(relative(root, file)) });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return { root: copy, remove: () => rmSync(copy, { recursive: true, force: true }) };
}
