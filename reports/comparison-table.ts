// The comparison on a terminal: the verdict first, then what changed, then the rest in a line each.

import type { Compared, Comparison } from '../harness/comparison/document.ts';
import { bySeverity, changeWithInterval, headline } from './comparison-words.ts';
import { duration } from './format.ts';
import type { TableStyle } from './table.ts';

const COLOURS: Partial<Record<Compared['verdict'], number>> = { regressed: 31, invalid: 33, improved: 32, differs: 33 };

/** The whole comparison as lines of text. */
export function comparisonTable(comparison: Comparison, { colour = false }: TableStyle = {}): string {
  const time = (value: number | undefined) => (value === undefined ? '' : duration(value));
  const lines = bySeverity(comparison.rows).map((row) => ({
    row,
    cells: [row.verdict, row.case, row.arm, time(row.base), time(row.head), changeWithInterval(row), String(row.pairs)],
  }));
  const titles = ['verdict', 'case', 'arm', 'base', 'head', 'change', 'pairs'];
  const widths = titles.map((title, i) => Math.max(title.length, ...lines.map(({ cells }) => cells[i].length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i < 3 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd();
  const painted = (text: string, code?: number) => (colour && code ? `\x1b[${code}m${text}\x1b[0m` : text);
  const notes = bySeverity(comparison.rows).filter(({ verdict }) => verdict !== 'equivalent' && verdict !== 'same');
  return [
    painted(line(titles), 1),
    ...lines.map(({ row, cells }) => painted(line(cells), COLOURS[row.verdict])),
    ...(notes.length > 0 ? ['', ...notes.map((row) => `${row.case} ${row.arm}: ${row.verdict} (${row.code}): ${row.reason}`)] : []),
    ...(comparison.warnings.length > 0 ? ['', ...comparison.warnings.map((text) => painted(`! ${text}`, 33))] : []),
    '',
    `= ${headline(comparison)}`,
    '',
  ].join('\n');
}
