// The comparison on a terminal: the verdict first, then what changed, then the rest in a line each.

import type { Compared, Comparison } from '../harness/comparison/document.ts';
import { duration } from './format.ts';
import type { TableStyle } from './table.ts';

const ORDER = ['regressed', 'invalid', 'improved', 'differs', 'inconclusive', 'equivalent', 'same'] as const;
const COLOURS: Partial<Record<Compared['verdict'], number>> = { regressed: 31, invalid: 33, improved: 32, differs: 33 };

/** `+7.1 %`. */
export const change = (ratio: number): string => `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(1)} %`;

/** `+7.1 % [5.2, 9.0]`, as far as it is known. */
export function changeWithInterval({ ratio, ci_low, ci_high }: Pick<Compared, 'ratio' | 'ci_low' | 'ci_high'>): string {
  if (ratio === undefined) return '';
  const figure = (value: number) => ((value - 1) * 100).toFixed(1);
  return ci_low === undefined || ci_high === undefined ? change(ratio) : `${change(ratio)} [${figure(ci_low)}, ${figure(ci_high)}]`;
}

/** `2 regressed, 28 equivalent`: gravest first. */
export const countsInWords = (counts: Comparison['counts']): string =>
  ORDER.filter((verdict) => counts[verdict])
    .map((verdict) => `${counts[verdict]} ${verdict}`)
    .join(', ') || 'nothing was compared';

/** What the whole comparison comes to, in a sentence. */
export function headline({ base, head, counts, overall }: Comparison): string {
  const sides = `${head.ref}${head.dirty ? ' (with changes)' : ''} against ${base.ref}${base.dirty ? ' (with changes)' : ''}`;
  const mean = overall
    ? `; geometric mean ${changeWithInterval({ ratio: overall.ratio, ci_low: overall.low, ci_high: overall.high })}`
    : '';
  return `${sides}: ${countsInWords(counts)}${mean}`;
}

/** Rows with the gravest verdict first, within one by size of the change. */
export const bySeverity = (rows: readonly Compared[]): Compared[] =>
  [...rows].sort(
    (a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict) || Math.abs(Math.log(b.ratio ?? 1)) - Math.abs(Math.log(a.ratio ?? 1)),
  );

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
