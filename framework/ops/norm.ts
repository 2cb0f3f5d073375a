// Normalisation and dropout, composed of other ops.

import { specText } from '../layout.ts';
import type { Value } from '../op.ts';
import { type Shape, sizeOf } from '../shape.ts';
import { add, div, ge, mul, pow, sqrt, square, sub, where } from './pointwise.ts';
import { avgPool2d } from './pool.ts';
import { type CountedSource, uniformLike } from './random.ts';
import { reshape } from './shape.ts';
import { standardized } from './standardize.ts';

/** Scale and shift after normalising; shapes that broadcast to the input. */
export interface Affine<V> {
  readonly weight?: V;
  readonly bias?: V;
  /** Added to the variance, so that constants stay finite; 1e-5 if absent. */
  readonly epsilon?: number;
}

function scaled<V extends Value>(x: V, { weight, bias }: Affine<V>): V {
  const wide = weight ? mul<V>(x, weight) : x;
  return bias ? add<V>(wide, bias) : wide;
}

/** Normalises each sample over its last axes, those of `shape` (Ba et al. 2016). */
export function layerNorm<V extends Value>(x: V, shape: Shape, { epsilon, ...affine }: Affine<V> = {}): V {
  const lead = x.shape.length - shape.length;
  if (`${x.shape.slice(lead)}` !== `${shape}` || lead < 0)
    throw new RangeError(`layerNorm: ${specText(x)} does not end in [${shape}], over which it is normalised`);
  const rows = x.shape.slice(0, lead);
  const { output } = standardized(x, { outer: 1, channels: sizeOf(rows), inner: sizeOf(shape) }, [...rows, ...shape.map(() => 1)], {
    epsilon,
  });
  return scaled(output, affine);
}

/** One number a channel, in a shape that broadcasts over [N, C, ..]. */
const perChannel = <V extends Value>(x: V, value: V | undefined): V | undefined =>
  value &&
  reshape(
    value,
    x.shape.map((size, axis) => (axis === 1 ? size : 1)),
  );

const channelAffine = <V extends Value>(x: V, { weight, bias, epsilon }: Affine<V>): Affine<V> => ({
  weight: perChannel(x, weight),
  bias: perChannel(x, bias),
  epsilon,
});

/** What batchNorm gives in training: the output, and the batch's statistics, [C], for the running ones. */
export interface BatchNormResult<V> {
  readonly output: V;
  readonly mean: V;
  /** The sum of squared distances over count - 1: what the running variance is made of. */
  readonly variance: V;
}

/** Normalises each channel of [N, C, ..] by the batch's own statistics (Ioffe and Szegedy 2015); weight and bias are [C]. */
export function batchNormTraining<V extends Value>(x: V, affine: Affine<V> = {}): BatchNormResult<V> {
  const [outer, channels = 1, ...rest] = x.shape;
  const count = sizeOf(x.shape) / channels;
  if (x.shape.length < 2 || count < 2)
    throw new RangeError(`batchNorm: ${specText(x)} has fewer than two values a channel; expected [N, C, ..]`);
  const spread = x.shape.map((size, axis) => (axis === 1 ? size : 1));
  const { output, mean, variance } = standardized(x, { outer, channels, inner: sizeOf(rest) }, spread, channelAffine(x, affine));
  return { output, mean, variance: mul<V>(variance, count / (count - 1)) };
}

/** Normalises each channel of [N, C, ..] by statistics from before, [C] each. */
export function batchNorm<V extends Value>(x: V, center: V, variance: V, affine: Affine<V> = {}): V {
  const deviation = sqrt<V>(add<V>(perChannel(x, variance)!, affine.epsilon ?? 1e-5));
  return scaled(div<V>(sub<V>(x, perChannel(x, center)!), deviation), channelAffine(x, affine));
}

export interface ResponseNormOptions {
  /** Channels that are looked at around each, itself in the middle; 5 if absent. */
  readonly size?: number;
  /** 1e-4 if absent. */
  readonly alpha?: number;
  /** 0.75 if absent. */
  readonly beta?: number;
  /** 1 if absent. */
  readonly k?: number;
}

/** x / (k + alpha · mean of x² over neighbouring channels)^beta, zeros beyond the first and last counted: AlexNet's normalisation (Krizhevsky et al. 2012). */
export function localResponseNorm<V extends Value>(x: V, options: ResponseNormOptions = {}): V {
  const { size = 5, alpha = 1e-4, beta = 0.75, k = 1 } = options;
  if (x.shape.length !== 4) throw new RangeError(`localResponseNorm: got ${specText(x)}, expected [N, C, H, W]`);
  const [images, channels, height, width] = x.shape;
  // Channels become the rows of an image, so that a pool's window runs over them.
  const squares = reshape<V>(square<V>(x), [images, 1, channels, height * width]);
  const means = avgPool2d(squares, [size, 1], { stride: 1, padding: [Math.floor(size / 2), Math.floor((size - 1) / 2), 0, 0] });
  const scale = add<V>(mul<V>(reshape<V>(means, x.shape), alpha), k);
  return div<V>(x, beta === 0.75 ? threeQuarterPower(scale) : pow<V>(scale, beta));
}

/** x^0.75 by two roots, which cost a fraction of an exponential and a logarithm. */
function threeQuarterPower<V extends Value>(x: V): V {
  const root = sqrt<V>(x);
  return mul<V>(root, sqrt<V>(root));
}

/** Zeroes each element with probability `rate` and divides the others by 1 - rate, so that the mean stays (Srivastava et al. 2014). */
export function dropout<V extends Value>(x: V, rate: number, source: CountedSource<V>): V {
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`dropout: rate is ${rate}, expected a number from 0 to below 1`);
  return rate === 0 ? x : where<V>(ge<V>(uniformLike(x, source), rate), mul<V>(x, 1 / (1 - rate)), 0);
}
