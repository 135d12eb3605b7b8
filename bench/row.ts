import type { System } from './system.ts';

/** One figure, and what it must reach. */
export interface Row {
  row: string;
  measured: number;
  atLeast?: number;
  atMost?: number;
}

/** What a measurement gets: a system of its own, and how long it may take. */
export interface Bench {
  system: System;
  rounds: number;
  /** Of one round. */
  seconds: number;
  progress: (text: string) => void;
}

const isReached = ({ measured, atLeast = -Infinity, atMost = Infinity }: Row): boolean =>
  measured >= atLeast && measured <= atMost;

const wanted = ({ atLeast, atMost }: Row): string => (atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`);

/** The rows as a table of Markdown, for the terminal and for a page. */
export const tableOf = (rows: readonly Row[]): string =>
  [
    '| row | measured | wanted | ok |',
    '|---|---|---|---|',
    ...rows.map(
      (row) =>
        `| ${row.row} | ${Number(row.measured.toPrecision(3))} | ${wanted(row)} | ${isReached(row) ? 'yes' : 'NO'} |`,
    ),
  ].join('\n');
