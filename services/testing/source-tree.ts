import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** A file of ours: its path below services/, its text, and what it imports. */
export interface Source {
  path: string;
  text: string;
  imports: readonly Import[];
}

export interface Import {
  /** A path below services/, or a package's name, or `node:…`. */
  from: string;
  isOurs: boolean;
  /** Whether nothing is left of it at run time. */
  isType: boolean;
}

const IMPORT = /\b(?:import|export)\s+(type\s)?[^;'"]*?from\s+'([^']+)'|\bimport\s*\(?\s*'([^']+)'/g;

/** Makes a source of a text; `from '…'` in comments and texts would count too, and there is none. */
export function sourceOf(file: string, text: string): Source {
  const imports = [...text.matchAll(IMPORT)].map(([, type, from = '', bare]): Import => {
    const target = bare ?? from;
    return target.startsWith('.')
      ? { from: path.posix.join(path.posix.dirname(file), target), isOurs: true, isType: type !== undefined }
      : { from: target, isOurs: false, isType: type !== undefined };
  });
  return { path: file, text, imports };
}

/** Every TypeScript file below services/. */
export function readSources(): Source[] {
  const root = path.join(import.meta.dirname, '..');
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.split(path.sep).join('/'))
    .sort()
    .map((file) => sourceOf(file, readFileSync(path.join(root, file), 'utf8')));
}

/** The files of one circle of imports, or undefined when there is none. */
export function findCircle(sources: readonly Source[]): string[] | undefined {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const { from, isOurs } of byPath.get(file)?.imports ?? []) {
      const circle = isOurs ? visit(from, [...trail, file]) : undefined;
      if (circle !== undefined) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const { path: file } of sources) {
    const circle = visit(file, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
