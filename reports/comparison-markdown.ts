// The comparison in Markdown: the verdict as a sentence, what changed, then the rest.

import type { Compared, Comparison } from '../harness/comparison/document.ts';
import { bySeverity, changeWithInterval, headline } from './comparison-words.ts';
import { duration } from './format.ts';
import { escaped, type TableColumn, tableHead, tableRow } from './markdown-table.ts';

const COLUMNS: readonly TableColumn[] = [
  { title: 'verdict', align: 'left' },
  { title: 'case', align: 'left' },
  { title: 'arm', align: 'left' },
  { title: 'base', align: 'right' },
  { title: 'head', align: 'right' },
  { title: 'change [95 %]', align: 'right' },
  { title: 'pairs', align: 'right' },
  { title: 'why', align: 'left' },
];

export const COMPARISON_HEAD: readonly string[] = tableHead(COLUMNS);

/** A verdict that a reader should look at first. */
export const isNotable = ({ verdict }: Compared): boolean =>
  verdict === 'regressed' || verdict === 'invalid' || verdict === 'improved' || verdict === 'differs';

/** One row of the table; `shown` may shorten what stands in a cell. */
export function comparisonRow(row: Compared, shown: (text: string) => string = (text) => text): string {
  const time = (ns: number | undefined) => (ns === undefined ? '' : duration(ns));
  const verdict = row.verdict === 'regressed' || row.verdict === 'improved' ? `**${row.verdict}**` : row.verdict;
  const text = (given: string) => escaped(shown(given));
  const cells = [text(row.case), text(row.arm), time(row.base), time(row.head), changeWithInterval(row), String(row.pairs)];
  return tableRow([verdict, ...cells, text(`${row.code}: ${row.reason}`)]);
}

/** How the verdicts were reached, for whoever reads only this. */
export const termsLine = ({ kind, terms, seed }: Comparison): string => {
  const margin = `${Number((terms.margin * 100).toPrecision(3))} %`;
  if (kind === 'compare')
    return `Two results that were not measured together: rows may differ, but the machine may be why. Differences below ${margin} do not count.`;
  return (
    `Pairs of fresh processes in random order; changes below ${margin} are tolerated; what looked changed was measured again, and counts where ` +
    `p < ${terms.confirmAlpha} over all of that. Seed ${seed}.`
  );
};

/** The whole comparison. */
export function comparisonLines(comparison: Comparison): string[] {
  const rows = bySeverity(comparison.rows);
  const table = (own: readonly Compared[]) => [...COMPARISON_HEAD, ...own.map((row) => comparisonRow(row))];
  const [changed, rest] = [rows.filter(isNotable), rows.filter((row) => !isNotable(row))];
  return [
    `**${escaped(headline(comparison))}**`,
    '',
    termsLine(comparison),
    ...comparison.warnings.flatMap((text) => ['', `- ${escaped(text)}`]),
    ...(changed.length > 0 ? ['', '### Changed', '', ...table(changed)] : []),
    ...(rest.length > 0 ? ['', changed.length > 0 ? '### The rest' : '### Rows', '', ...table(rest)] : []),
  ];
}
