// A sampler decides which samples an epoch has and in which order, by seed and epoch alone: no thread and no clock has a say.

import { orderDraws } from './draws.ts';

export interface Sampler {
  /** Samples of an epoch. */
  readonly length: number;
  /** Indices into the dataset in the order of the epoch; the caller does not change them. */
  order(epoch: number): Int32Array;
}

/** Most samples of an epoch: indices are 32-bit. */
const MOST = 2 ** 31 - 1;

/** Throws a RangeError unless `length` can be counted through: an endless dataset has no last sample to come to. */
export function checkLength(who: string, length: number): number {
  if (!Number.isInteger(length) || length < 1 || length > MOST)
    throw new RangeError(
      `${who}: ${length} samples, expected a whole number from 1 to ${MOST}${length === Number.POSITIVE_INFINITY ? '; read endless data as a stream' : ''}`,
    );
  return length;
}

const counted = (length: number): Int32Array => {
  const order = new Int32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  return order;
};

/** Fisher and Yates, in place. */
function shuffle(order: Int32Array, draw: () => number): Int32Array {
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1));
    const kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  return order;
}

/** 0, 1, 2, .. in every epoch. */
export function sequential(length: number): Sampler {
  const order = counted(checkLength('sequential', length));
  return { length, order: () => order };
}

/** Every sample once, in another random order each epoch. */
export function shuffled(length: number, { seed = 0 }: { readonly seed?: number } = {}): Sampler {
  checkLength('shuffled', length);
  return { length, order: (epoch) => shuffle(counted(length), orderDraws(seed, epoch)) };
}

/** The samples at `indices`: in that order, or shuffled anew each epoch. */
export function subsetSampler(
  indices: ArrayLike<number>,
  { shuffle: shuffles = false, seed = 0 }: { readonly shuffle?: boolean; readonly seed?: number } = {},
): Sampler {
  const own = Int32Array.from(indices);
  checkLength('subsetSampler', own.length);
  return { length: own.length, order: (epoch) => (shuffles ? shuffle(own.slice(), orderDraws(seed, epoch)) : own) };
}

export interface WeightedOptions {
  /** Samples of an epoch; as many as there are weights if absent. */
  readonly count?: number;
  readonly seed?: number;
  /** Whether a sample may come again within an epoch; default true. */
  readonly replacement?: boolean;
}

/** Samples drawn with a probability in proportion to their weights. Throws a RangeError for weights that are negative, or all 0. */
export function weighted(
  weights: ArrayLike<number>,
  { count = weights.length, seed = 0, replacement = true }: WeightedOptions = {},
): Sampler {
  checkLength('weighted', weights.length);
  checkLength('weighted: count', count);
  const sums = new Float64Array(weights.length);
  let sum = 0;
  let positive = 0;
  for (let i = 0; i < weights.length; i++) {
    if (!(weights[i] >= 0 && weights[i] < Number.POSITIVE_INFINITY))
      throw new RangeError(`weighted: weight ${i} is ${weights[i]}, expected numbers from 0`);
    if (weights[i] > 0) positive++;
    sums[i] = sum += weights[i];
  }
  if (positive < (replacement ? 1 : count))
    throw new RangeError(
      `weighted: ${positive} weights are above 0, expected at least ${replacement ? 1 : count}${replacement ? '' : ` to draw ${count} without replacement`}`,
    );
  const again = (draw: () => number) => Int32Array.from({ length: count }, () => firstAbove(sums, draw() * sum));
  return {
    length: count,
    order: (epoch) => (replacement ? again : (draw: () => number) => once(weights, count, draw))(orderDraws(seed, epoch)),
  };
}

/** The first place whose sum is above `value`, by bisection. */
function firstAbove(sums: Float64Array, value: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Without replacement: the smallest of -ln(u) / weight come first (Efraimidis and Spirakis 2006). */
function once(weights: ArrayLike<number>, count: number, draw: () => number): Int32Array {
  const keys = Float64Array.from(weights, (weight) => -Math.log(1 - draw()) / weight);
  return counted(weights.length)
    .filter((i) => weights[i] > 0)
    .sort((a, b) => keys[a] - keys[b])
    .slice(0, count);
}
