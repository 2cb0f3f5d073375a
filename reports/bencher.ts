// Bencher Metric Format: benchmarks by name, each with measures, each a value with its bounds.
//
// `latency` (nanoseconds) and `throughput` (calls a second) are Bencher's own measures; `gflops` and `gbps` are made by it when they first come.
// Format: https://bencher.dev/docs/reference/bencher-metric-format/

import { createHash } from 'node:crypto';
import type { Summary } from '../harness/record.ts';
import { currentRows, rowName } from './rows.ts';
import type { Results } from './schema.ts';

/** Characters that Bencher takes for a benchmark's name. */
const LONGEST = 1024;

interface Metric {
  readonly value: number;
  readonly lower_value?: number;
  readonly upper_value?: number;
}

/** A name that is cut stays one of its own. */
function nameOf(row: Summary): string {
  const name = rowName(row);
  if (name.length <= LONGEST) return name;
  const mark = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${name.slice(0, LONGEST - mark.length - 1).toWellFormed()} ${mark}`;
}

/** A quantity that falls as the time grows: its bounds change places. */
function rate(row: Summary, value: number): Metric {
  const { median_ns = 0, ci_low_ns, ci_high_ns } = row;
  if (!ci_low_ns || !ci_high_ns) return { value };
  return { value, lower_value: (value * median_ns) / ci_high_ns, upper_value: (value * median_ns) / ci_low_ns };
}

function measuresOf(row: Summary): Record<string, Metric> {
  const { median_ns = 0, ci_low_ns, ci_high_ns, gflops, gbps } = row;
  const bounds = ci_low_ns === undefined || ci_high_ns === undefined ? {} : { lower_value: ci_low_ns, upper_value: ci_high_ns };
  return {
    latency: { value: median_ns, ...bounds },
    throughput: rate(row, 1e9 / median_ns),
    ...(gflops !== undefined && { gflops: rate(row, gflops) }),
    ...(gbps !== undefined && { gbps: rate(row, gbps) }),
  };
}

/** The whole of `bencher.json`. */
export const bencher = (results: Results): string =>
  // Not an object literal: a benchmark may be named like one of its own properties.
  `${JSON.stringify(Object.fromEntries(currentRows(results).map((row) => [nameOf(row), measuresOf(row)])), undefined, 2)}\n`;
