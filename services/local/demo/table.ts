import { readFile } from 'node:fs/promises';

/** A line of a table, by the names in its header. */
export type Row = Readonly<Record<string, string | undefined>>;

/** Reads a CSV file beside this one. Values hold no commas, so there is nothing to quote; an empty one is undefined. */
export async function readTable(file: string): Promise<Row[]> {
  const [header = '', ...lines] = (await readFile(new URL(file, import.meta.url), 'utf8'))
    .trimEnd()
    .split('\n');
  const names = header.split(',');
  return lines.map((line) => {
    const values = line.split(',');
    if (values.length !== names.length)
      throw new Error(`${file}: ${names.length} values expected in ${line}`);
    return Object.fromEntries(names.map((name, index) => [name, values[index] || undefined]));
  });
}
