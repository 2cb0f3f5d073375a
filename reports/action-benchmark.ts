// The input of github-action-benchmark: `customSmallerIsBetter` (times) and `customBiggerIsBetter` (rates), a file for each direction.
//
// `range` and `extra` are only shown. That action compares two numbers by their quotient alone, with 200 % as its threshold: let `bench ci` decide, and it draw.
// Format: https://github.com/benchmark-action/github-action-benchmark#examples

import type { Summary } from '../harness/record.ts';
import { currentRows, rowName } from './rows.ts';
import type { Results } from './schema.ts';

interface Entry {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly range?: string;
  readonly extra?: string;
}

const text = (entries: readonly Entry[]): string => `${JSON.stringify(entries, undefined, 2)}\n`;

const half = ({ ci_low_ns, ci_high_ns, median_ns }: Summary): number | undefined =>
  ci_low_ns === undefined || ci_high_ns === undefined ? undefined : (ci_high_ns - ci_low_ns) / 2 / median_ns!;

function extraOf({ kernel, tunables, forks, samples, roof_pct, bound }: Summary): string {
  const facts = {
    kernel,
    tunables,
    forks,
    samples,
    'percent of roof': roof_pct === undefined ? undefined : Number(roof_pct.toPrecision(3)),
    bound,
  };
  return Object.entries(facts)
    .flatMap(([name, value]) => (value === undefined ? [] : `${name}: ${value}`))
    .join('\n');
}

function entryOf(row: Summary, unit: string, value: number, name = rowName(row)): Entry {
  const share = half(row);
  const digits = (number: number) => Number(number.toPrecision(4));
  return { name, unit, value, ...(share !== undefined && { range: `± ${digits(share * value)}` }), extra: extraOf(row) };
}

/** `smaller-is-better.json`: nanoseconds of a call. */
export const smallerIsBetter = (results: Results): string => text(currentRows(results).map((row) => entryOf(row, 'ns', row.median_ns!)));

/** `bigger-is-better.json`: GFLOP/s and GB/s of the rows that have them. */
export const biggerIsBetter = (results: Results): string =>
  text(
    currentRows(results).flatMap((row) => [
      ...(row.gflops === undefined ? [] : [entryOf(row, 'GFLOP/s', row.gflops, `${rowName(row)} GFLOP/s`)]),
      ...(row.gbps === undefined ? [] : [entryOf(row, 'GB/s', row.gbps, `${rowName(row)} GB/s`)]),
    ]),
  );
