import type { Dataset } from './dataset.ts';
import type { System } from './system.ts';

/** One figure, and what it must reach. */
export interface Row {
  row: string;
  measured: number;
  atLeast?: number;
  atMost?: number;
  /** What the figure was made of: the absolute figures of both sides of a ratio, CPU, counts. */
  of?: string;
}

/** A figure by size of the data, to be drawn. */
export interface Growth {
  what: string;
  unit: string;
  /** In the order of `Bench.sized`. */
  values: readonly number[];
}

/** Both services with data of a size, on a PostgreSQL of their own. */
export interface Sized {
  system: System;
  data: Dataset;
}

/** What a measurement gets: running systems from small to large, and how long it may take. */
export interface Bench {
  /** From small to large: the middle one is what most rows are measured on, and the large one has ten times its data. */
  sized: readonly [Sized, Sized, Sized];
  /** The program that runs the services and their opponents. */
  node: string;
  /** Whether five minutes must do: with less warming, and fewer numbers of clients. */
  quick: boolean;
  rounds: number;
  /** Of one round of one thing. */
  seconds: number;
  progress: (text: string) => void;
}

export interface Measurement {
  rows: Row[];
  growth?: Growth[];
}

export const isReached = ({ measured, atLeast = -Infinity, atMost = Infinity }: Row): boolean =>
  measured >= atLeast && measured <= atMost;

const wanted = ({ atLeast, atMost }: Row): string => (atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`);

/** The rows as a table of Markdown, for the terminal and for a page. */
export const tableOf = (rows: readonly Row[]): string =>
  [
    '| row | measured | wanted | ok | of |',
    '|---|---|---|---|---|',
    ...rows.map(
      (row) =>
        `| ${row.row} | ${Number(row.measured.toPrecision(3))} | ${wanted(row)} | ${isReached(row) ? 'yes' : '**no**'} | ${row.of ?? ''} |`,
    ),
  ].join('\n');
