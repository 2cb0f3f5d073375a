// A moments problem takes the statistics of each channel of [outer, channels, inner], over outer and inner: what normalisation and its gradient are made of.
//
//   forward:   moments[0, c] = mean of x           moments[1, c] = mean of (x − mean)²
//   cross:     sums[0, c]    = Σ g                 sums[1, c]    = Σ g · (x − mean)

import type { Extent } from '../dtype.ts';

/** Dense f32 operands: forward reads `x` and writes `moments` [2, C]; cross reads `x`, `g` of its shape and `mean` [C], and writes `sums` [2, C]. */
export interface MomentsProblem {
  readonly op: 'moments';
  readonly pass: 'forward' | 'cross';
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}

/** A checked moments problem; forward and inner 1 if left out. Throws a RangeError that names the bad value. */
export function moments(options: Pick<MomentsProblem, 'outer' | 'channels'> & Partial<MomentsProblem>): MomentsProblem {
  const { outer, channels, inner = 1, pass = 'forward' } = options;
  for (const [name, value] of Object.entries({ outer, channels, inner }))
    if (!Number.isInteger(value) || value < 1) throw new RangeError(`moments: ${name} is ${value}, expected a whole number from 1`);
  if (outer * channels * inner > 2 ** 30) throw new RangeError(`moments: [${outer}, ${channels}, ${inner}] has more than 2^30 elements`);
  return { op: 'moments', pass, outer, channels, inner };
}

/** Inputs first, the result last. */
export function momentsOperands({ pass, outer, channels, inner }: MomentsProblem): Record<string, Extent> {
  const x: Extent = { elements: outer * channels * inner, dtype: 'f32' };
  const pairs: Extent = { elements: 2 * channels, dtype: 'f32' };
  return pass === 'forward' ? { x, moments: pairs } : { x, g: x, mean: { ...pairs, elements: channels }, sums: pairs };
}
