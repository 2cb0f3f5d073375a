// Where the log ratios of pairs lie: the Hodges-Lehmann estimate and its bootstrap interval.
//
// One number per pair of fresh processes goes in: processes are what replicates, so the bootstrap draws pairs (Kalibera and Jones 2013). What samples inside a
// pair scatter is in those numbers already.

import { seededRandom } from '../../kernels/random.ts';
import { type Interval, quantile } from '../statistics.ts';
import { normalProbability, studentQuantile } from './distributions.ts';

const RESAMPLES = 4000;

/** The median of the means of all pairs of values, a value with itself included (Hodges and Lehmann 1963). NaN of nothing. */
export function hodgesLehmann(values: readonly number[]): number {
  const n = values.length;
  const means = new Float64Array((n * (n + 1)) / 2);
  let at = 0;
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) means[at++] = (values[i] + values[j]) / 2;
  return sortedMedian(means.sort());
}

function sortedMedian(sorted: Float64Array): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The probability to cut off at each end of a bootstrap of `n` values, so that the interval covers as often as it says.
 *
 * A percentile interval of few values is too short by sqrt((n - 1) / n) and by normal instead of t quantiles: it is widened by both (Hesterberg 2015, "What
 * teachers should know about the bootstrap", section 4.1.2, "expanded percentile").
 */
export const expandedTail = (n: number, confidence: number): number =>
  normalProbability(Math.sqrt(n / (n - 1)) * studentQuantile((1 - confidence) / 2, n - 1));

/** The interval of the Hodges-Lehmann estimate by drawing values with replacement. Undefined of fewer than three values. */
export function locationInterval(values: readonly number[], confidence: number, seed: number): Interval | undefined {
  if (values.length < 3) return undefined;
  const random = seededRandom(seed);
  const estimateOf = redrawn(values);
  const counts = new Uint32Array(values.length);
  const estimates = Array.from({ length: RESAMPLES }, () => {
    counts.fill(0);
    for (let i = 0; i < values.length; i++) counts[Math.floor(random() * values.length)]++;
    return estimateOf(counts);
  });
  const tail = expandedTail(values.length, confidence);
  return { low: quantile(estimates, tail), high: quantile(estimates, 1 - tail) };
}

/**
 * The Hodges-Lehmann estimate of draws from `values`, given how often each was drawn.
 *
 * The means of pairs are sorted once; a draw only says how often each of them occurs, so its median is found by walking along them.
 */
function redrawn(values: readonly number[]): (counts: Uint32Array) => number {
  const n = values.length;
  const means = values.flatMap((value, i) => values.slice(i).map((other, k) => ({ mean: (value + other) / 2, i, j: i + k })));
  means.sort((a, b) => a.mean - b.mean);
  const [first, second] = [Uint32Array.from(means, ({ i }) => i), Uint32Array.from(means, ({ j }) => j)];
  const total = (n * (n + 1)) / 2;
  const ranks = [Math.floor((total + 1) / 2), Math.floor(total / 2) + 1];
  return (counts) => {
    let below = 0;
    let lower = NaN;
    for (let at = 0; at < means.length; at++) {
      const [a, b] = [counts[first[at]], counts[second[at]]];
      below += first[at] === second[at] ? (a * (a + 1)) / 2 : a * b;
      if (Number.isNaN(lower) && below >= ranks[0]) lower = means[at].mean;
      if (below >= ranks[1]) return (lower + means[at].mean) / 2;
    }
    return lower;
  };
}

/** 1 / (sqrt(2) z), with z the upper quartile of the normal distribution: makes the median distance of normal values their standard deviation. */
const DISTANCE_TO_DEVIATION = 1.0483580825075305;

/**
 * The standard deviation that normal values with the same median distance between two of them have (Shamos 1976); 0 of a single value.
 *
 * What the Hodges-Lehmann estimate and the signed-rank test shrug off does not count here either: up to 29 % of the values may lie anywhere.
 */
export function robustDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const distances = values.flatMap((value, i) => values.slice(i + 1).map((other) => Math.abs(other - value)));
  return DISTANCE_TO_DEVIATION * sortedMedian(Float64Array.from(distances).sort());
}

/** The standard deviation with n - 1; 0 of a single value. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
