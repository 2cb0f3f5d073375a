// Rows of the graph suite as its verdict reads them: cases with their forms, differences beyond the intervals, and the slope between two sizes.

import type { Summary } from '../../harness/record.ts';
import { digits } from '../words.ts';

/** A case in a place, with the rows that were measured. */
export interface Measured {
  readonly part: string;
  /** `10x10`, `two-layer-64x1000x100`. */
  readonly what: string;
  /** `cpu/2`. */
  readonly place: string;
  /** Rows by form. */
  readonly forms: Readonly<Partial<Record<string, Summary>>>;
}

/** The cases that rows belong to, without rows that have no time. */
export function measuredOf(rows: readonly Summary[]): Measured[] {
  const timed = rows.filter((row) => row.median_ns !== undefined && row.status === 'ok');
  return [...Map.groupBy(timed, (row) => row.case)].map(([name, rows]): Measured => {
    const [, part, what, ...place] = name.split('/');
    return { part, what, place: place.join('/'), forms: Object.fromEntries(rows.map((row) => [row.arm.split('@')[0], row])) };
  });
}

export const nsOf = (row: Summary): number => row.median_ns!;
/** Where the median may lie: its interval, else as far as samples usually scatter. */
export const lowest = ({ ci_low_ns, median_ns, mad_ns = 0 }: Summary): number => ci_low_ns ?? median_ns! - mad_ns;
export const highest = ({ ci_high_ns, median_ns, mad_ns = 0 }: Summary): number => ci_high_ns ?? median_ns! + mad_ns;
/** Whether one is faster than the other beyond the intervals of both. */
export const isFaster = (one: Summary, other: Summary): boolean => highest(one) < lowest(other);

export const extraOf = (row: Summary, column: string): number => Number(row.extra?.[column] ?? Number.NaN);

/** `1 launch`, `12 launches`. */
export const launches = (count: number): string => `${digits(count)} ${count === 1 ? 'launch' : 'launches'}`;

/** Nanoseconds that each further unit of `column` adds, by form, from the two cases that lie furthest apart; only of forms that both have. */
export function slopes(of: readonly Measured[], column: string): Partial<Record<string, number>> {
  const forms = new Set(of.flatMap(({ forms }) => Object.keys(forms)));
  return Object.fromEntries(
    [...forms].flatMap((form) => {
      const rows = of.flatMap(({ forms }) => forms[form] ?? []).sort((a, b) => extraOf(a, column) - extraOf(b, column));
      const [first, last] = [rows[0], rows[rows.length - 1]];
      const units = extraOf(last, column) - extraOf(first, column);
      return units > 0 ? [[form, (nsOf(last) - nsOf(first)) / units]] : [];
    }),
  );
}
