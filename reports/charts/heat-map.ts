// A map of a space over two tunables: in each cell the best time that any configuration with these two values reached, as a multiple of the best of all.

import { scaleBand } from 'd3-scale';
import { type Chart, el, hint, text } from './svg.ts';

export interface Cell {
  readonly column: number;
  readonly row: number;
  /** Times the best: 1 or more. */
  readonly times: number;
  /** Configurations behind it. */
  readonly count: number;
}

export interface HeatMap {
  readonly columnName: string;
  readonly rowName: string;
  readonly columns: readonly number[];
  readonly rows: readonly number[];
  readonly cells: readonly Cell[];
}

const WIDTH = 420;
const ROW = 26;
/** A cell so many times the best, or more, is as pale as cells get. */
const PALE = 2.5;

export function heatMap(title: string, { columnName, rowName, columns, rows, cells }: HeatMap): Chart {
  const [left, top] = [58, 34];
  const height = top + ROW * rows.length + 8;
  const x = scaleBand(columns.map(String), [left, WIDTH - 8]).padding(0.06);
  const y = scaleBand(rows.map(String), [top, height - 8]).padding(0.08);
  const drawn = rows.flatMap((row) =>
    columns.map((column) => {
      const cell = cells.find((one) => one.column === column && one.row === row);
      const box = { x: x(String(column))!, y: y(String(row))!, width: x.bandwidth(), height: y.bandwidth(), rx: 3 };
      const where = `${columnName}=${column} ${rowName}=${row}`;
      if (!cell) return el('rect', { class: 'empty', ...box }, hint(`${where}: not measured, or not valid`));
      const strength = Math.max(0, 1 - Math.log(cell.times) / Math.log(PALE));
      const rect = el(
        'rect',
        { class: 'heat', 'fill-opacity': 0.08 + 0.87 * strength, ...box },
        hint(`${where}: ${cell.times.toFixed(3)} times the best, of ${cell.count} configurations`),
      );
      const at = [box.x + box.width / 2, box.y + box.height / 2 + 4] as const;
      return rect + text(...at, cell.times.toFixed(2), { 'text-anchor': 'middle', class: strength > 0.7 ? 'on-heat' : undefined });
    }),
  );
  const names = [
    text(left - 6, 14, rowName, { 'text-anchor': 'end' }),
    text((left + WIDTH) / 2, 14, columnName, { 'text-anchor': 'middle' }),
    ...columns.map((column) =>
      text(x(String(column))! + x.bandwidth() / 2, top - 6, String(column), { class: 'muted', 'text-anchor': 'middle' }),
    ),
    ...rows.map((row) => text(left - 6, y(String(row))! + y.bandwidth() / 2 + 4, String(row), { class: 'muted', 'text-anchor': 'end' })),
  ];
  return { title, width: WIDTH, height, body: names.join('') + drawn.join('') };
}
