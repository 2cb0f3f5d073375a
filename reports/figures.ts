// The figures of a summary that people read, in the order of a table: what the table and the Markdown report have in common.

import type { Summary } from '../harness/record.ts';
import { bytes, duration, percent, ratio, scientific, significant } from './format.ts';

/** A column of a report for people. */
export interface Figure {
  readonly title: string;
  /** Columns with the highest number leave a narrow table first; 0 never leaves. */
  readonly rank: number;
  readonly align: 'left' | 'right';
  /** The cell of a row, empty where there is nothing to say. `best` is the smallest median of the row's case. */
  cell(row: Summary, best: number | undefined): string;
}

type Numeric = { [K in keyof Summary]-?: Summary[K] extends number | undefined ? K : never }[keyof Summary];

const figure = (title: string, rank: number, name: Numeric, write: (value: number) => string): Figure => ({
  title,
  rank,
  align: 'right',
  cell: (row) => (row[name] === undefined ? '' : write(row[name])),
});

const isMeasured = ({ status }: Summary): boolean => status === 'ok' || status === 'slow';

/** Half the interval where there is one, else the median absolute deviation, as a share of the median. */
function spread({ median_ns, mad_ns, ci_low_ns, ci_high_ns }: Summary): string {
  if (!median_ns) return '';
  if (ci_low_ns !== undefined && ci_high_ns !== undefined) return `±${significant((50 * (ci_high_ns - ci_low_ns)) / median_ns, 2)} %`;
  return mad_ns === undefined ? '' : `~${significant((100 * mad_ns) / median_ns, 2)} %`;
}

/** Columns that `--baseline` adds: together they are one figure. */
const BASELINE = ['baseline', 'ratio', 'ratio_low', 'ratio_high'];

/** How many times faster than the baseline arm, with its interval. */
function speedUp({ extra }: Summary): string {
  const [value, low, high] = [extra?.ratio, extra?.ratio_low, extra?.ratio_high];
  if (typeof value !== 'number') return '';
  return typeof low === 'number' && typeof high === 'number' ? `${ratio(value)} [${significant(low)}, ${significant(high)}]` : ratio(value);
}

/** Bytes that cross between host and device in a call; nothing where none do. */
const moved = (count: number): string => (count === 0 ? '' : bytes(count));

export const FIGURES: readonly Figure[] = [
  { title: 'case', rank: 0, align: 'left', cell: (row) => row.case },
  { title: 'arm', rank: 0, align: 'left', cell: (row) => row.arm },
  {
    title: 'time',
    rank: 0,
    align: 'right',
    cell: (row) => (isMeasured(row) && row.median_ns !== undefined ? duration(row.median_ns) : row.status),
  },
  { title: 'spread', rank: 3, align: 'right', cell: (row) => (isMeasured(row) ? spread(row) : '') },
  {
    title: 'to best',
    rank: 2,
    align: 'right',
    cell: (row, best) => (isMeasured(row) && row.median_ns && best ? ratio(row.median_ns / best) : ''),
  },
  { title: 'speed-up', rank: 1, align: 'right', cell: (row) => (isMeasured(row) ? speedUp(row) : '') },
  { title: 'chosen', rank: 5, align: 'left', cell: ({ extra }) => String(extra?.chosen ?? '') },
  figure('GFLOP/s', 1, 'gflops', significant),
  figure('GB/s', 6, 'gbps', significant),
  figure('of roof', 4, 'roof_pct', percent),
  { title: 'bound', rank: 5, align: 'left', cell: (row) => row.bound ?? '' },
  figure('cold', 7, 'cold_ns', duration),
  figure('to device', 8, 'bytes_h2d', moved),
  figure('to host', 8, 'bytes_d2h', moved),
  figure('peak', 9, 'peak_bytes', bytes),
  figure('error', 8, 'max_rel_err', scientific),
];

/** The smallest median of each case among the rows that count. */
export function bestMedians(rows: readonly Summary[]): Map<string, number> {
  const best = new Map<string, number>();
  for (const row of rows)
    if (isMeasured(row) && row.median_ns !== undefined) best.set(row.case, Math.min(row.median_ns, best.get(row.case) ?? Infinity));
  return best;
}

/** The columns that suites add, as figures that leave first. */
export const extraFigures = (rows: readonly Summary[]): Figure[] =>
  [...new Set(rows.flatMap(({ extra }) => Object.keys(extra ?? {})))]
    .filter((title) => !BASELINE.includes(title) && title !== 'chosen')
    .map((title) => ({
      title,
      rank: 10,
      align: rows.every(({ extra }) => typeof (extra?.[title] ?? 0) === 'number') ? 'right' : 'left',
      cell: ({ extra }) => {
        const value = extra?.[title] ?? '';
        if (typeof value === 'string') return value;
        return title.endsWith('_bytes') ? bytes(value) : significant(value, 4);
      },
    }));

/** What a reader must know beside the figures: one line for each reason, with the rows it holds for. */
export function warnings(rows: readonly Summary[]): string[] {
  const held = new Map<string, Summary[]>();
  for (const row of rows)
    if (row.reason !== undefined || !isMeasured(row)) {
      const text = row.status === 'ok' ? (row.reason ?? '') : `${row.status}${row.reason === undefined ? '' : `: ${row.reason}`}`;
      held.set(text, [...(held.get(text) ?? []), row]);
    }
  return [...held].map(([text, [first, ...others]]) => {
    const more = others.length ? ` and ${others.length} more` : '';
    return `${first.case} ${first.arm}${more}: ${text}`;
  });
}
