// The comparison document: two sides, the rows with their verdicts, and what all of them together come to. Every output of `bench ci` and `bench compare` is
// written from it, and it can be computed again from the samples.

import { seededRandom } from '../../kernels/random.ts';
import { quantile } from '../statistics.ts';
import type { Terms } from './estimate.ts';
import type { Measured } from './evidence.ts';
import { armOfSide } from './evidence.ts';
import { type Judgement, judge, type ReasonCode, type Verdict } from './verdict.ts';

/** Raised by one when a reader of the old documents would misread the new ones. */
export const COMPARISON_VERSION = 1;

/** One row of `comparison.csv`; field names are the contract's column names, then what the document has besides. */
export interface Compared {
  readonly suite: string;
  readonly case: string;
  /** The arm, whichever side. */
  readonly arm: string;
  readonly arm_base: string;
  readonly arm_head: string;
  readonly metric: 'time';
  readonly unit: 'ns';
  /** Nanoseconds of a call on both sides: of a gate the fastest round of each pair, median over pairs; of unpaired results medians. */
  readonly base?: number;
  readonly head?: number;
  /** head / base: above 1 the head is slower. With its 95 % interval. */
  readonly ratio?: number;
  readonly ci_low?: number;
  readonly ci_high?: number;
  readonly p_adjusted?: number;
  /** Smallest change, as a share, that so many pairs with this scatter would have found. */
  readonly smallest_detectable?: number;
  /** `differs` and `same` are what unpaired results can say at most. */
  readonly verdict: Verdict | 'differs' | 'same';
  readonly code: ReasonCode | 'unpaired' | 'other-environment';
  readonly reason: string;
  /** Pairs of processes that the row is of; of unpaired results the lesser number of forks. */
  readonly pairs: number;
  /** Standard deviation of the log ratios of pairs, robust against a few far away. */
  readonly deviation?: number;
  /** ln(head / base) of each pair: what plots show. */
  readonly logs: readonly number[];
}

/** One side of a comparison. */
export interface Revision {
  /** What the user called it: a branch, a folder. */
  readonly ref: string;
  readonly sha?: string;
  /** Whether tracked files differed from that revision. */
  readonly dirty?: boolean;
}

/** All rows as one: the geometric mean of the ratios, and whether everything moved together, which speaks of the machine. */
export interface Overall {
  readonly ratio: number;
  readonly low?: number;
  readonly high?: number;
  /** Median of the ratios of rows. */
  readonly median_shift: number;
  readonly rows: number;
}

export interface Comparison {
  readonly comparisonVersion: number;
  readonly kind: 'ci' | 'compare';
  readonly run_id: string;
  readonly time_utc: string;
  readonly base: Revision;
  readonly head: Revision;
  readonly terms: Terms;
  readonly seed: number;
  readonly rows: readonly Compared[];
  readonly overall?: Overall;
  /** Rows by verdict. */
  readonly counts: Readonly<Record<string, number>>;
  /** What a reader should know besides: an environment that differs, a budget that ended. */
  readonly warnings: readonly string[];
}

/** The rows of a gate. */
export function comparedRows(all: readonly Measured[], terms: Terms, seed: number): Compared[] {
  const judgements = judge(
    all.map(({ evidence }) => evidence),
    terms,
    seed,
  );
  return all.map((one, i) => comparedRow(one, judgements[i]));
}

function comparedRow({ benchmark, evidence, base, head }: Measured, { verdict, code, reason, estimate, pAdjusted }: Judgement): Compared {
  const logs = evidence.second.length > 0 ? evidence.second : evidence.first;
  return {
    ...benchmark,
    arm_base: armOfSide('base', benchmark.arm),
    arm_head: armOfSide('head', benchmark.arm),
    metric: 'time',
    unit: 'ns',
    base,
    head,
    ratio: estimate?.ratio,
    ci_low: estimate?.low,
    ci_high: estimate?.high,
    p_adjusted: pAdjusted,
    smallest_detectable: finite(estimate?.detectable),
    verdict,
    code,
    reason,
    pairs: estimate?.pairs ?? 0,
    deviation: estimate?.deviation,
    logs,
  };
}

const finite = (value: number | undefined): number | undefined => (value !== undefined && Number.isFinite(value) ? value : undefined);

/** Benchmarks are drawn with replacement, then pairs in each: what another suite of such benchmarks would say. */
export function overall(rows: readonly Compared[], seed: number): Overall | undefined {
  const logs = rows.filter(({ ratio }) => ratio !== undefined).map((row) => Math.log(row.ratio!));
  if (logs.length === 0) return undefined;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const random = seededRandom(seed);
  const draws = Array.from({ length: 2000 }, () => mean(logs.map(() => logs[Math.floor(random() * logs.length)])));
  const several = logs.length > 2;
  return {
    ratio: Math.exp(mean(logs)),
    low: several ? Math.exp(quantile(draws, 0.025)) : undefined,
    high: several ? Math.exp(quantile(draws, 0.975)) : undefined,
    median_shift: Math.exp(quantile(logs, 0.5)),
    rows: logs.length,
  };
}

export function countsOf(rows: readonly Compared[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { verdict } of rows) counts[verdict] = (counts[verdict] ?? 0) + 1;
  return counts;
}
