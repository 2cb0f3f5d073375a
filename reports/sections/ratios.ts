// Ratios with their intervals: of a comparison what changed, head over base; of a run with --baseline how many times as fast as that arm each other is.

import type { Compared, Comparison } from '../../harness/comparison/document.ts';
import type { Summary } from '../../harness/record.ts';
import { type Interval, intervalChart } from '../charts/intervals.ts';
import { bySeverity, change } from '../comparison-words.ts';
import { duration, significant } from '../format.ts';
import type { DataTable, Figure } from '../page.ts';
import type { Section } from './section.ts';

/** Rows of a chart: more go into further ones. */
const ROWS = 30;

const COLUMNS: DataTable['columns'] = [
  { title: 'verdict', align: 'left' },
  { title: 'case', align: 'left' },
  { title: 'arm', align: 'left' },
  { title: 'base', align: 'right' },
  { title: 'head', align: 'right' },
  { title: 'change', align: 'right' },
  { title: '95 % interval', align: 'right' },
  { title: 'p', align: 'right' },
  { title: 'could be seen', align: 'right' },
  { title: 'pairs', align: 'right' },
  { title: 'why', align: 'left' },
];

const optional = (value: number | undefined, say: (value: number) => string): string => (value === undefined ? '' : say(value));

/** Rows of a comparison as a table. */
export const comparedTable = (rows: readonly Compared[]): DataTable => ({
  columns: COLUMNS,
  rows: rows.map((row) => [
    row.verdict,
    row.case,
    row.arm,
    optional(row.base, duration),
    optional(row.head, duration),
    optional(row.ratio, change),
    row.ci_low === undefined || row.ci_high === undefined ? '' : `${change(row.ci_low)} to ${change(row.ci_high)}`,
    optional(row.p_adjusted, (p) => significant(p, 2)),
    optional(row.smallest_detectable, (share) => `${significant(100 * share, 2)} %`),
    String(row.pairs),
    `${row.code}: ${row.reason}`,
  ]),
});

/** What differs has the colour of a first series: which way is good, nobody can say of two runs apart. */
const TONES: Record<string, Interval['tone']> = { regressed: 'bad', improved: 'good', differs: undefined };
const toneOf = ({ verdict }: Compared): Interval['tone'] => (verdict in TONES ? TONES[verdict] : 'plain');

const chunks = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));

/** What changed, gravest first. */
export function comparisonSection({ rows, kind, terms: { margin } }: Comparison): Section | undefined {
  const drawn = bySeverity(rows).filter(({ ratio }) => ratio !== undefined);
  if (drawn.length === 0) return undefined;
  const arms = new Set(drawn.map(({ arm }) => arm));
  const within = `${significant(100 * margin, 2)} %`;
  const style = { label: 'time of the head against the base', say: change, margin };
  const dots = kind === 'ci' ? 'Small dots are pairs of fresh processes (at an end of the axis: there or beyond), ' : '';
  const parts = chunks(drawn, ROWS);
  const figures = parts.map((part, i): Figure => {
    const intervals = part.map(
      (row): Interval => ({
        name: arms.size > 1 ? `${row.case} ${row.arm}` : row.case,
        value: row.ratio!,
        low: row.ci_low,
        high: row.ci_high,
        dots: row.logs.map(Math.exp),
        tone: toneOf(row),
        words: `${row.verdict} ${change(row.ratio!)}`,
      }),
    );
    const title = `Change of time${parts.length > 1 ? ` (${i + 1} of ${parts.length})` : ''}`;
    return {
      chart: intervalChart(title, intervals, style),
      caption: `To the right the head is slower. ${dots}bars 95 % intervals of the ratio; what lies in the shaded band, within ${within}, does not count.`,
      data: comparedTable(part),
      file: 'comparison.csv',
    };
  });
  return { id: 'ratios', title: 'What changed', figures };
}

/** How many times as fast as the baseline, for each baseline. */
export function baselineSection(summaries: readonly Summary[]): Section | undefined {
  const rated = summaries.filter(({ extra }) => typeof extra?.ratio === 'number' && extra.baseline !== undefined);
  const figures = [...Map.groupBy(rated, ({ extra }) => String(extra!.baseline))].flatMap(([baseline, own]) => {
    const rows = own.filter(({ arm }) => arm !== baseline);
    const parts = chunks(rows, ROWS);
    return parts.map((part, i): Figure => {
      const intervals = part.map(({ case: name, arm, extra }): Interval => {
        const [value, low, high] = [extra!.ratio, extra!.ratio_low, extra!.ratio_high].map((one) =>
          typeof one === 'number' ? one : undefined,
        );
        const isSure = low !== undefined && high !== undefined && (low > 1 || high < 1);
        return { name: `${name} ${arm}`, value: value!, low, high, tone: isSure ? (low > 1 ? 'good' : 'bad') : 'plain' };
      });
      const title = `Speed against ${baseline}${parts.length > 1 ? ` (${i + 1} of ${parts.length})` : ''}`;
      return {
        chart: intervalChart(title, intervals, { label: `times as fast as ${baseline}`, say: (ratio) => `${significant(ratio)}×` }),
        caption: 'To the right an arm is faster. Bars are 95 % intervals of the ratio, from fresh processes.',
        data: {
          columns: [
            { title: 'case', align: 'left' },
            { title: 'arm', align: 'left' },
            { title: 'times as fast', align: 'right' },
            { title: '95 % interval', align: 'right' },
          ],
          rows: intervals.map(({ value, low, high }, j) => [
            part[j].case,
            part[j].arm,
            significant(value, 4),
            low === undefined || high === undefined ? '' : `${significant(low, 4)} to ${significant(high, 4)}`,
          ]),
        },
        file: 'summary.csv',
      };
    });
  });
  return figures.length > 0 ? { id: 'ratios', title: 'Against the baseline', figures } : undefined;
}
