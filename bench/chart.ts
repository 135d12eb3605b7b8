import type { Size } from './dataset.ts';
import { type Growth, isReached, type Row } from './row.ts';

const WIDTH = 900;
const LINE = 22;
const FONT = 'font-family="system-ui, sans-serif" font-size="12"';
const GOOD = '#2a7f4f';
const SHORT = '#b3402e';
const COLORS = ['#22577a', '#b3402e', '#2a7f4f', '#8a5a00', '#6a4c93', '#3a7ca5', '#7d4f50', '#4f772d'];

const escaped = (text: string): string => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

const text = (x: number, y: number, words: string, more = ''): string =>
  `<text x="${x}" y="${y}" ${FONT} ${more}>${escaped(words)}</text>`;

const svg = (height: number, parts: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');

/** How many times better than wanted; 1 is just reached. Undefined where nothing at all is wanted. */
const margin = ({ measured, atLeast, atMost }: Row): number | undefined => {
  if (atLeast !== undefined && atMost !== undefined) return undefined;
  if (atLeast !== undefined) return measured / atLeast;
  return atMost === undefined || atMost === 0 ? undefined : atMost / measured;
};

/** Each row as a bar: to the right of the line it is better than wanted, to the left worse; each step doubles. */
export function rowsChart(rows: readonly Row[]): string {
  const [left, middle] = [440, 560];
  const step = 60;
  const parts = [
    text(middle - 4, 16, 'wanted', 'text-anchor="middle"'),
    ...[-1, 1, 2, 3, 4, 5].map((power) =>
      text(
        middle + power * step,
        16,
        power < 0 ? '½' : `${2 ** power} ×`,
        'text-anchor="middle" fill="#777"',
      ),
    ),
  ];
  const drawn = rows.flatMap((row) => {
    const times = margin(row);
    return times === undefined ? [] : [{ row, times }];
  });
  drawn.forEach(({ row, times }, index) => {
    const y = 26 + index * LINE;
    const long = Math.max(-120, Math.min(330, Math.log2(times) * step));
    parts.push(
      text(left, y + 13, row.row, 'text-anchor="end"'),
      `<rect x="${Math.min(middle, middle + long).toFixed(1)}" y="${y + 3}" width="${Math.abs(long).toFixed(1)}" height="13" fill="${isReached(row) ? GOOD : SHORT}"/>`,
    );
  });
  const height = 36 + drawn.length * LINE;
  parts.push(`<line x1="${middle}" y1="22" x2="${middle}" y2="${height - 8}" stroke="#333"/>`);
  return svg(height, parts);
}

/** Each figure by size, against its own at the smallest; both axes double step by step. */
export function growthChart(growth: readonly Growth[], sizes: readonly Size[]): string {
  const [left, top, wide, high] = [60, 30, 380, 300];
  const factor = (values: readonly number[], index: number): number =>
    (values[index] ?? Number.NaN) / (values[0] ?? Number.NaN);
  const x = (index: number) => left + (index * wide) / (sizes.length - 1);
  const y = (times: number) => top + high / 2 - Math.max(-3, Math.min(3, Math.log2(times))) * (high / 6);
  const parts = [-3, -2, -1, 0, 1, 2, 3].flatMap((power) => [
    `<line x1="${left}" x2="${left + wide}" y1="${y(2 ** power)}" y2="${y(2 ** power)}" stroke="${power === 0 ? '#333' : '#ddd'}"/>`,
    text(left - 8, y(2 ** power) + 4, `${2 ** power} ×`, 'text-anchor="end"'),
  ]);
  sizes.forEach(({ patients, doctors }, index) => {
    parts.push(
      text(x(index), top + high + 20, `${patients.toLocaleString('en')} patients`, 'text-anchor="middle"'),
      text(x(index), top + high + 36, `${doctors.toLocaleString('en')} doctors`, 'text-anchor="middle"'),
    );
  });
  growth.forEach(({ what, unit, values }, line) => {
    const color = COLORS[line % COLORS.length] ?? 'black';
    const points = sizes.map((_, index) => `${x(index)},${y(factor(values, index)).toFixed(1)}`).join(' ');
    parts.push(
      `<polyline points="${points}" fill="none" stroke="${color}" stroke-width="2"/>`,
      `<rect x="${left + wide + 40}" y="${top + line * LINE}" width="12" height="12" fill="${color}"/>`,
      text(
        left + wide + 58,
        top + line * LINE + 11,
        `${what}: ${values.map((value) => Number(value.toPrecision(3))).join(', ')} ${unit}`,
      ),
    );
  });
  return svg(Math.max(top + high + 60, top + growth.length * LINE + 20), parts);
}
