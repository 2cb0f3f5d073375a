// Two results that were not measured together: whether they differ can be said, whether the code is why cannot, since the machine may have changed between them.

import { type Interval, quantile } from '../statistics.ts';
import { hodgesLehmann, locationInterval } from './location.ts';

export interface UnpairedRatio extends Partial<Interval> {
  /** head / base. */
  readonly ratio: number;
}

/**
 * The ratio of two sides from the median time of each of their forks: the median of all quotients (the two-sample estimate of Hodges and Lehmann 1963), with an
 * interval where both sides have three forks. The sides are independent: the half-widths of their own intervals add in squares.
 */
export function unpairedRatio(base: readonly number[], head: readonly number[], confidence: number, seed: number): UnpairedRatio {
  const [before, after] = [base.map(Math.log), head.map(Math.log)];
  const shift = quantile(
    after.flatMap((one) => before.map((other) => one - other)),
    0.5,
  );
  const [a, b] = [locationInterval(before, confidence, seed), locationInterval(after, confidence, seed + 1)];
  if (!a || !b) return { ratio: Math.exp(shift) };
  const [centreA, centreB] = [hodgesLehmann(before), hodgesLehmann(after)];
  const below = Math.hypot(b.low - centreB, a.high - centreA);
  const above = Math.hypot(b.high - centreB, a.low - centreA);
  return { ratio: Math.exp(shift), low: Math.exp(shift - below), high: Math.exp(shift + above) };
}
