// A comparison in words: changes, counts and the sentence that comes first, the same in every output.

import type { Compared, Comparison } from '../harness/comparison/document.ts';

/** Gravest first. */
export const VERDICTS = ['regressed', 'invalid', 'improved', 'differs', 'inconclusive', 'equivalent', 'same'] as const;

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
  VERDICTS.filter((verdict) => counts[verdict])
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
    (a, b) =>
      VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict) || Math.abs(Math.log(b.ratio ?? 1)) - Math.abs(Math.log(a.ratio ?? 1)),
  );
