// Moments in float64, with a bound on what a kernel may be off by.

import type { MomentsProblem } from '../problems/moments.ts';
import type { Bounded } from './pointwise.ts';

/**
 * Roundings of a sum in f32, in units of 2^-24 of its magnitudes: a kernel adds some hundred terms one after another before it adds in wider or fewer steps.
 * A variance is a sum of squares about some value near the mean: those of the distances to it count four times at most.
 */
const ROUNDINGS = 600 * 2 ** -24;

/** Both results of channel `c`, and what each may be off by. */
export function momentsOf(problem: MomentsProblem, operands: Readonly<Record<string, ArrayLike<number>>>, c: number): [Bounded, Bounded] {
  const { pass, outer, channels, inner } = problem;
  const places = Array.from({ length: outer * inner }, (_, i) => (Math.floor(i / inner) * channels + c) * inner + (i % inner));
  const x = places.map((place) => operands.x[place]);
  if (pass === 'forward') {
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
    return [
      { value: mean, error: ROUNDINGS * Math.sqrt(variance) + 2 ** -23 * Math.abs(mean) },
      // The values themselves are rounded against the mean.
      { value: variance, error: 4 * ROUNDINGS * variance + 2 ** -22 * Math.abs(mean) * Math.sqrt(variance) + (2 ** -23 * mean) ** 2 },
    ];
  }
  const center = operands.mean[c];
  const sums = [(i: number) => operands.g[places[i]], (i: number) => operands.g[places[i]] * (x[i] - center)];
  return sums.map((term) => {
    const terms = x.map((_, i) => term(i));
    const magnitude = terms.reduce((sum, value) => sum + Math.abs(value), 0);
    return { value: terms.reduce((sum, value) => sum + value, 0), error: ROUNDINGS * magnitude + 2 ** -149 };
  }) as [Bounded, Bounded];
}

/** Every result: the first of all channels, then the second. */
export function momentsReference(problem: MomentsProblem, operands: Readonly<Record<string, ArrayLike<number>>>): Bounded[] {
  const pairs = Array.from({ length: problem.channels }, (_, c) => momentsOf(problem, operands, c));
  return [0, 1].flatMap((which) => pairs.map((pair) => pair[which]));
}
