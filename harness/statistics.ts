// Statistics of samples that come in forks: the fork, a fresh process, is what replicates; samples inside one share its luck.
//
// Hence a row's figure is the median over forks of each fork's median, and intervals come from a bootstrap that draws forks first
// (Kalibera and Jones 2013; Davison and Hinkley 1997, section 3.8).

import { seededRandom } from '../kernels/random.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Draws of a bootstrap. The Monte Carlo error of a 2.5 % quantile is then about half a percent of probability. */
const RESAMPLES = 2000;
const CONFIDENCE = 0.95;

/** The quantile of unsorted `values` at `p` in [0, 1], linear between order statistics (type 7 of Hyndman and Fan). NaN of nothing. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * p;
  const below = Math.floor(at);
  return sorted[below] + (at - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Median absolute deviation around the median, unscaled: no factor for normal data. */
export function medianDeviation(values: readonly number[]): number {
  const centre = median(values);
  return median(values.map((value) => Math.abs(value - centre)));
}

export const medianOfForks = (forks: readonly (readonly number[])[]): number => median(forks.map(median));

const drawn = <T>(items: readonly T[], random: () => number): T[] => items.map(() => items[Math.floor(random() * items.length)]);

/**
 * The percentile interval of `statistic` over samples in forks. Each draw takes forks with replacement, then samples within each of them.
 *
 * Undefined with fewer than two forks: one process says nothing of how much processes differ.
 */
export function clusteredInterval<T>(
  forks: readonly (readonly T[])[],
  statistic: (forks: readonly (readonly T[])[]) => number,
  seed: number,
): Interval | undefined {
  if (forks.length < 2) return undefined;
  const random = seededRandom(seed);
  const draws = Array.from({ length: RESAMPLES }, () => statistic(drawn(forks, random).map((samples) => drawn(samples, random))));
  return { low: quantile(draws, (1 - CONFIDENCE) / 2), high: quantile(draws, (1 + CONFIDENCE) / 2) };
}

/** What two arms measured in the same round. */
export interface Pair {
  readonly base: number;
  readonly head: number;
}

export interface Ratio extends Partial<Interval> {
  /** base / head of times: above 1 the head is faster. */
  readonly ratio: number;
  readonly pairs: number;
}

const logRatio = ({ base, head }: Pair): number => Math.log(base / head);

/** How many times faster the head is than the base: the median over forks of the median log ratio of rounds, with its interval. */
export function ratioOfForks(forks: readonly (readonly Pair[])[], seed: number): Ratio | undefined {
  const logs = forks.filter((pairs) => pairs.length > 0).map((pairs) => pairs.map(logRatio));
  if (logs.length === 0) return undefined;
  const interval = clusteredInterval(logs, medianOfForks, seed);
  return {
    ratio: Math.exp(medianOfForks(logs)),
    low: interval && Math.exp(interval.low),
    high: interval && Math.exp(interval.high),
    pairs: logs.reduce((sum, pairs) => sum + pairs.length, 0),
  };
}
