// Standardising: x̂ = (x − mean) / √(variance + ε) of each channel of [outer, channels, inner], with the channel's own statistics: what batch and layer
// normalisation share. y = x̂ · weight + bias where there are any.
//
//   forward    moments of x, one pass over it; then y, another
//   backward   s₀ = Σ g, s₁ = Σ g · (x − mean), one pass; then with r = 1 / √(variance + ε), n elements a channel:
//              ∂x = weight · r · (g − s₀/n − (x − mean) · r² · s₁/n)      ∂weight = r · s₁      ∂bias = s₀          (Ioffe and Szegedy 2015)
//
// ∂x is the whole derivative, by way of the statistics too: so these are taken from x itself, and flow on to nowhere.

import { constant, type Expression, apply as form } from '../../kernels/expression.ts';
import { moments } from '../../kernels/index.ts';
import { type Layout, type Spec, specText } from '../layout.ts';
import { apply, type Call, type Lowering, type Op, type Operand, type Value } from '../op.ts';
import { denseStrides, type Shape, sizeOf } from '../shape.ts';
import { DenseInputs } from './dense.ts';
import { elementwise } from './elementwise.ts';
import { add, cast } from './pointwise.ts';
import { reshape, slice, stopGradient } from './shape.ts';

/** x as [outer, channels, inner]. */
export interface Channels {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}
type ChannelsAttributes = Channels & Readonly<Record<string, unknown>>;

/** An operand with the elements of a channel beside each other: where there is one an image, turned first. */
function byChannel(inputs: DenseInputs, operand: Layout, index: number, { outer, channels, inner }: Channels): number {
  const dense = inputs.dense(operand, index);
  if (inner > 1 || outer === 1) return dense;
  const strides = denseStrides([outer, channels]).toReversed();
  return inputs.copy({ shape: [channels, outer], dtype: operand.dtype, strides, offset: 0 }, dense);
}

/** The lowering of a pass over one or two images, with `more` operands as they are. */
function lowerMoments(operands: readonly Operand<Layout>[], attributes: Channels, pass: 'forward' | 'cross'): Lowering {
  const inputs = new DenseInputs(operands.length);
  const [x, g, mean] = operands as Layout[];
  const { outer, channels, inner } = attributes;
  const turned = inner === 1 ? { outer: 1, channels, inner: outer } : { outer, channels, inner };
  const problem = moments({ ...turned, pass });
  const bind: Record<string, number> =
    pass === 'forward'
      ? { x: byChannel(inputs, x, 0, attributes), moments: 1 }
      : { x: byChannel(inputs, x, 0, attributes), g: byChannel(inputs, g, 1, attributes), mean: inputs.dense(mean, 2), sums: 3 };
  return { steps: [...inputs.steps, { problem, bind }], temporaries: inputs.temporaries };
}

/** Two numbers a channel. Throws a RangeError unless `images` have the elements of [outer, channels, inner] and `means` one a channel. */
function pairsOf(
  name: string,
  { outer, channels, inner }: Channels,
  images: readonly Operand<Spec>[],
  means: readonly Operand<Spec>[] = [],
): Spec {
  const elements = outer * channels * inner;
  const wrong = (operands: readonly Operand<Spec>[], count: number) =>
    (operands as Spec[]).find(({ shape, dtype }) => sizeOf(shape) !== count || dtype !== 'f32');
  const odd = wrong(images, elements) ?? wrong(means, channels);
  if (odd) throw new RangeError(`${name}: ${specText(odd)} is not f32 of ${elements} elements, or one for each of ${channels} channels`);
  return { shape: [2, channels], dtype: 'f32' };
}

/** [2, C]: the mean and the variance of each channel. */
const momentsOp: Op<ChannelsAttributes> = {
  name: 'moments',
  infer: (images, attributes) => pairsOf('moments', attributes, images),
  lower: (operands, _output, attributes) => lowerMoments(operands, attributes, 'forward'),
};

/** [2, C]: Σ g and Σ g · (x − mean) of each channel. */
const crossMomentsOp: Op<ChannelsAttributes> = {
  name: 'crossMoments',
  infer: ([x, g, mean], attributes) => pairsOf('crossMoments', attributes, [x, g], [mean]),
  lower: (operands, _output, attributes) => lowerMoments(operands, attributes, 'cross'),
};

type Standardize = ChannelsAttributes & { readonly epsilon: number };

const inverseDeviation = (variance: Expression, epsilon: number): Expression =>
  form('div', 1, form('sqrt', form('add', variance, epsilon)));

/** A row of gradients has none of its own: a second derivative is refused, where a row without one would count as constant. */
const undifferentiable = (op: Op<Standardize>): Op<Standardize> => ({ ...op, gradient: undefined });

const inputGradOp = undifferentiable(
  elementwise<Standardize>('standardizeGrad', {
    forward([x, g, mean, variance, s0, s1, weight], { epsilon, outer, inner }) {
      const r = inverseDeviation(variance, epsilon);
      const share = constant(1 / (outer * inner));
      const along = form('mul', form('mul', form('mul', r, r), s1), share);
      const own = form('sub', form('sub', g, form('mul', s0, share)), form('mul', form('sub', x, mean), along));
      return form('mul', weight ? form('mul', weight, r) : r, own);
    },
  }),
);

const weightGradOp = undifferentiable(
  elementwise<Standardize>('standardizeWeightGrad', {
    forward: ([variance, s1], { epsilon }) => form('mul', s1, inverseDeviation(variance, epsilon)),
  }),
);

const standardizeOp: Op<Standardize> = {
  ...elementwise<Standardize>('standardize', {
    forward([x, mean, variance, weight, bias], { epsilon }) {
      const low = form('sub', x, mean);
      const r = inverseDeviation(variance, epsilon);
      const y = form('mul', low, weight ? form('mul', weight, r) : r);
      return bias ? form('add', y, bias) : y;
    },
  }),
  keeps: ['inputs'],
  gradient<V extends Value>({ operands, attributes, needs }: Call<V, Standardize>, g: V) {
    const [x, mean, variance, weight, bias] = operands as V[];
    const { outer, channels, inner } = attributes;
    const sums = apply<V>(crossMomentsOp, [x, g, mean], { outer, channels, inner });
    const [s0, s1] = rowsOf(sums, mean.shape);
    return [
      needs[0] ? apply<V>(inputGradOp, [x, g, mean, variance, s0, s1, ...(weight ? [weight] : [])], attributes) : undefined,
      undefined,
      undefined,
      weight && needs[3] ? reshape(apply<V>(weightGradOp, [variance, s1], attributes), weight.shape) : undefined,
      bias && needs[4] ? reshape(s0, bias.shape) : undefined,
    ];
  },
};

/** The ops of this file by their names. */
export const standardizeOps = { momentsOp, crossMomentsOp, standardizeOp, inputGradOp, weightGradOp };

/** Both rows of [2, C], each in a shape that broadcasts to the image. */
const rowsOf = <V extends Value>(pairs: V, shape: Shape): [V, V] => [
  reshape(slice<V>(pairs, [0, 1]), shape),
  reshape(slice<V>(pairs, [1, 2]), shape),
];

export interface Standardized<V> {
  readonly output: V;
  /** Of each channel, [C]; no gradient flows through them. */
  readonly mean: V;
  /** Over all n elements, not n - 1. */
  readonly variance: V;
}

/** Standardises the channels of `x`; `spread` is the shape in which one number a channel broadcasts to it, that of weight and bias as well. */
export function standardized<V extends Value>(
  x: V,
  { outer, channels, inner }: Channels,
  spread: Shape,
  { weight, bias, epsilon = 1e-5 }: { weight?: V; bias?: V; epsilon?: number },
): Standardized<V> {
  const wide = x.dtype === 'f16' ? cast(x, 'f32') : x;
  const statistics = stopGradient(apply<V>(momentsOp, [wide], { outer, channels, inner }));
  const [mean, variance] = rowsOf(statistics, spread);
  const affine = weight ? [weight, ...(bias ? [bias] : [])] : [];
  const y = apply<V>(standardizeOp, [wide, mean, variance, ...affine], { outer, channels, inner, epsilon });
  const output = bias && !weight ? add<V>(y, bias) : y;
  return { output: cast(output, x.dtype), mean: reshape(mean, [channels]), variance: reshape(variance, [channels]) };
}
