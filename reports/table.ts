// The terminal's table: one line for each case and arm, as wide as the terminal and no wider. Columns that matter least leave first.

import type { Summary } from '../harness/record.ts';
import { bestMedians, extraFigures, FIGURES, type Figure, warnings } from './figures.ts';
import { abbreviate } from './format.ts';

export interface TableStyle {
  /** Characters a line may have. */
  readonly width?: number;
  readonly colour?: boolean;
}

/** Width where nobody can say: the output goes into a file or a pipe. */
const DEFAULT_WIDTH = 160;
/** Text columns are not made narrower than this while others can still leave. */
const NARROWEST = 8;
const GAP = '  ';
/** What stands before a row: a `*`, or nothing. */
const MARK = 2;

/** What a stream can show: its width, and colour only on a terminal that wants it (https://no-color.org). */
export const terminalStyle = (stream: { isTTY?: boolean; columns?: number }, env: NodeJS.ProcessEnv = process.env): TableStyle => ({
  width: stream.isTTY ? stream.columns || 80 : Number(env.COLUMNS) || DEFAULT_WIDTH,
  colour: stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb',
});

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;

interface Column {
  readonly figure: Figure;
  readonly cells: readonly string[];
  width: number;
}

const totalWidth = (columns: readonly Column[]): number => columns.reduce((sum, { width }) => sum + width + GAP.length, -GAP.length);

/** The columns that fit: first those of high rank leave, then text is abbreviated, the widest first. */
function fitted(columns: readonly Column[], width: number): Column[] {
  const kept = [...columns];
  const widestText = () => kept.filter(({ figure }) => figure.align === 'left').reduce((a, b) => (b.width > a.width ? b : a));
  while (totalWidth(kept) > width) {
    const least = kept.reduce((a, b) => (b.figure.rank >= a.figure.rank ? b : a));
    if (least.figure.rank > 0) kept.splice(kept.indexOf(least), 1);
    else if (widestText().width > NARROWEST) widestText().width--;
    else break;
  }
  return kept;
}

/** The case is named once, on its first line. */
function columnOf(figure: Figure, rows: readonly Summary[], best: ReadonlyMap<string, number>): Column {
  const cells = rows.map((row, i) =>
    figure.title === 'case' && i > 0 && rows[i - 1].case === row.case ? '' : figure.cell(row, best.get(row.case)),
  );
  return { figure, cells, width: Math.max(figure.title.length, ...cells.map((cell) => cell.length)) };
}

/** Breaks a line at blanks; later lines are set in by `indent`. */
function wrapped(line: string, width: number, indent: string): string {
  const lines = [''];
  for (const word of line.split(/\s+/)) {
    const last = lines[lines.length - 1];
    if (last.trim() === '') lines[lines.length - 1] = last + word;
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(indent + word);
  }
  return lines.join('\n');
}

/**
 * The table of `rows`, warnings below, ending with a line end.
 *
 * A `*` marks the fastest arm of each case that has more than one. Times are medians; `±` is half the 95 % interval, `~` the median absolute deviation.
 * A suite's own columns that do not fit are further tables.
 */
export function table(rows: readonly Summary[], { width = DEFAULT_WIDTH, colour = false }: TableStyle = {}): string {
  if (rows.length === 0) return 'nothing was measured\n';
  const paint = (text: string, name?: keyof typeof CODES) => (colour && name ? `\x1b[${CODES[name]}m${text}\x1b[0m` : text);
  const best = bestMedians(rows);
  const isBest = (row: Summary) =>
    row.median_ns !== undefined && row.median_ns === best.get(row.case) && rows.filter((other) => other.case === row.case).length > 1;

  const columnsOf = (figures: readonly Figure[]) =>
    figures
      .map((figure) => columnOf(figure, rows, best))
      .filter(({ figure, cells }) => figure.rank === 0 || cells.some((cell) => cell !== ''));
  const tone = (row: Summary): keyof typeof CODES | undefined => {
    if (row.status === 'failed' || row.status === 'wrong' || row.status === 'timeout') return 'red';
    return row.status === 'skipped' ? 'dim' : isBest(row) ? 'green' : undefined;
  };
  const block = (columns: readonly Column[]): string[] => {
    const line = (cell: (column: Column) => string) =>
      columns
        .map((column) => {
          const text = abbreviate(cell(column), column.width);
          return column.figure.align === 'left' ? text.padEnd(column.width) : text.padStart(column.width);
        })
        .join(GAP)
        .trimEnd();
    return [
      paint(`${' '.repeat(MARK)}${line(({ figure }) => figure.title)}`, 'bold'),
      ...rows.map((row, i) => paint((isBest(row) ? '* ' : '  ') + line(({ cells }) => cells[i]), tone(row))),
    ];
  };

  const own = columnsOf(extraFigures(rows));
  const columns = fitted([...columnsOf(FIGURES), ...own], width - MARK);
  const lines = block(columns);
  // What a suite has to say beside the usual figures stands below where it does not fit.
  const names = columnsOf(FIGURES.filter(({ title }) => title === 'case' || title === 'arm'));
  let left = own.filter((column) => !columns.includes(column));
  while (left.length > 0) {
    const shown = fitted([...names, ...left], width - MARK);
    const rest = left.filter((column) => !shown.includes(column));
    // Where not one fits, a table of names would say nothing.
    if (rest.length === left.length) break;
    lines.push('', ...block(shown));
    left = rest;
  }
  const notes = warnings(rows).map((text) => paint(wrapped(`! ${text}`, width, '  '), 'yellow'));
  return `${[...lines, ...(notes.length ? ['', ...notes] : [])].join('\n')}\n`;
}

/** The verdict as it stands below the table: a blank line, then each sentence on lines of its own; nothing where there is none. */
export const closing = (verdict: readonly string[] = [], { width = DEFAULT_WIDTH }: TableStyle = {}): string =>
  verdict.length === 0 ? '' : `\n${verdict.map((sentence) => `${wrapped(`= ${sentence}`, width, '  ')}\n`).join('')}`;
