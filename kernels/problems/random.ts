// A random problem fills `out` with numbers that depend on a key and a counter alone: the same integers on every device, in any order, with any threads.

import type { Extent } from '../dtype.ts';

/** `bits`: 32 random bits as i32. `uniform`: [0, 1) in steps of 2^-24. `normal`: mean 0, deviation 1. */
export type Distribution = 'bits' | 'uniform' | 'normal';

type Four = readonly [number, number, number, number];

/**
 * Elements 4b to 4b + 3 are the four words that Philox4x32-10 makes of `counter` with b added to its first word (Salmon et al., Parallel random numbers:
 * as easy as 1, 2, 3; 2011). Uniform: the upper 24 bits. Normal: Box and Muller's transformation of words 0 and 1, and of 2 and 3.
 */
export interface RandomProblem {
  readonly op: 'random';
  readonly distribution: Distribution;
  readonly elements: number;
  /** Whole numbers below 2^32. */
  readonly key: readonly [number, number];
  readonly counter: Four;
  /** Whether an operand `step`, one i32, is added to the counter's second word: so that a plan that is made once draws anew each time it runs. */
  readonly counted: boolean;
}

export interface RandomOptions {
  readonly distribution: Distribution;
  readonly elements: number;
  /** Whole number from 0 below 2^53. */
  readonly seed: number;
  /** Which of the seed's independent streams: one for each use, such as a layer. Whole number from 0 below 2^53. */
  readonly stream?: number;
  /** Which draw of the stream: counted up from call to call. Whole number from 0 below 2^32. */
  readonly step?: number;
  /** Whether the number in an operand `step` is added to it; false if absent. */
  readonly counted?: boolean;
}

const words = (value: number): [number, number] => [value % 2 ** 32, Math.floor(value / 2 ** 32)];

/** A checked random problem. Throws a RangeError that names the bad value. */
export function random({ distribution, elements, seed, stream = 0, step = 0, counted = false }: RandomOptions): RandomProblem {
  if (!Number.isInteger(elements) || elements < 1 || elements > 2 ** 31)
    throw new RangeError(`random: elements is ${elements}, expected a whole number from 1 to 2^31`);
  for (const [name, value, bits] of [['seed', seed, 53] as const, ['stream', stream, 53] as const, ['step', step, 32] as const])
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits)
      throw new RangeError(`random: ${name} is ${value}, expected a whole number from 0 below 2^${bits}`);
  return { op: 'random', distribution, elements, key: words(seed), counter: [0, step, ...words(stream)], counted };
}

export const randomOperands = ({ elements, distribution, counted }: RandomProblem): Record<string, Extent> => ({
  out: { elements, dtype: distribution === 'bits' ? 'i32' : 'f32' },
  ...(counted && { step: { elements: 1, dtype: 'i32' as const } }),
});
