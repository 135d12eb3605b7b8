import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Text that stands exactly once in a file, and what is put in its place. */
export interface Edit {
  /** Below the root of the tree. */
  file: string;
  find: string;
  put: string;
}

/** One rule left out or bent, and the test files that should notice, as patterns of their paths. */
export interface Mutant {
  name: string;
  edits: readonly Edit[];
  tests: readonly string[];
}

/** Makes mutants of one edit, which `defaultTests` should notice where no others are given. */
export const edits =
  (...defaultTests: readonly string[]) =>
  (name: string, file: string, find: string, put: string, ...tests: readonly string[]): Mutant => ({
    name,
    edits: [{ file, find, put }],
    tests: tests.length > 0 ? tests : defaultTests,
  });

/** A file's text with one change. @throws Error when what is to be replaced does not stand there exactly once */
function edited(text: string, { file, find, put }: Edit): string {
  const count = text.split(find).length - 1;
  if (count !== 1) throw new Error(`${file} has this ${count} times, not once: ${find}`);
  return text.replace(find, () => put);
}

/**
 * The files that a mutant changes, with their present and their changed texts.
 * @throws Error that names the mutant when it does not fit the tree
 */
function changesOf(root: string, { name, edits }: Mutant): Map<string, { present: string; changed: string }> {
  const changes = new Map<string, { present: string; changed: string }>();
  for (const edit of edits) {
    const file = join(root, edit.file);
    const { present, changed } = changes.get(file) ?? bothOf(readFileSync(file, 'utf8'));
    try {
      changes.set(file, { present, changed: edited(changed, edit) });
    } catch (error) {
      throw new Error(`${name}: ${(error as Error).message}`);
    }
  }
  return changes;
}

const bothOf = (text: string) => ({ present: text, changed: text });

/** Whether the mutant changes this tree, and changes it in one way only. @throws Error when it does not fit */
export const fits = (root: string, mutant: Mutant): boolean =>
  [...changesOf(root, mutant).values()].some(({ present, changed }) => present !== changed);

/** Changes the tree, and returns what changes it back. @throws Error when the mutant does not fit the tree */
export function apply(root: string, mutant: Mutant): () => void {
  const changes = changesOf(root, mutant);
  const write = (which: 'present' | 'changed') => {
    for (const [file, texts] of changes) writeFileSync(file, texts[which]);
  };
  write('changed');
  return () => write('present');
}
