// What a number of pairs can see: the normal approximation to the power of a one-sided test of log ratios against a margin.

import { normalQuantile } from './distributions.ts';

export interface Design {
  /** Level of the test. */
  readonly alpha: number;
  /** Wanted probability of rejecting. */
  readonly power: number;
  /** Ratio that is tolerated: 0.02 for 2 %. */
  readonly margin: number;
}

/** The smallest true change, as a share (0.05 for 5 %), that `pairs` pairs whose log ratios scatter by `deviation` would find. */
export function smallestDetectable(pairs: number, deviation: number, { alpha, power, margin }: Design): number {
  const reach = ((normalQuantile(1 - alpha) + normalQuantile(power)) * deviation) / Math.sqrt(pairs);
  return Math.expm1(Math.log1p(margin) + reach);
}

/** Pairs that find a true change of `effect` (0.05 for 5 %). Infinite where the effect does not exceed the margin. */
export function pairsNeeded(effect: number, deviation: number, { alpha, power, margin }: Design): number {
  const beyond = Math.log1p(effect) - Math.log1p(margin);
  if (beyond <= 0) return Infinity;
  return Math.ceil((((normalQuantile(1 - alpha) + normalQuantile(power)) * deviation) / beyond) ** 2);
}
