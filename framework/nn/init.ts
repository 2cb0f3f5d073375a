// Initial weights, made on the device. Fan-in and fan-out are counted over a weight of shape [out, in, ..]: the last axes are a kernel's window.

import { full, normal, type TensorOptions, uniform } from '../create.ts';
import type { RandomSource } from '../ops/random.ts';
import { scope } from '../scope.ts';
import { type Shape, sizeOf } from '../shape.ts';
import { Node, noGrad } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { rule, update, updateOp } from '../update.ts';

export type InitOptions = RandomSource &
  Pick<TensorOptions, 'device' | 'requiresGrad'> & {
    /** What the nonlinearity that follows takes from the deviation, to be given back: see `gainOf`; 1 for Xavier's rules, √2 for He's, if absent. */
    readonly gain?: number;
  };

const GAINS = { linear: 1, sigmoid: 1, tanh: 5 / 3, relu: Math.SQRT2 } as const;

/** The gain for a nonlinearity, PyTorch's values; `slope` is that of leakyRelu below 0. */
export const gainOf = (nonlinearity: keyof typeof GAINS | 'leakyRelu', slope = 0.01): number =>
  nonlinearity === 'leakyRelu' ? Math.sqrt(2 / (1 + slope * slope)) : GAINS[nonlinearity];

function fans([out, into = 1, ...window]: Shape): { fanIn: number; fanOut: number } {
  return { fanIn: into * sizeOf(window), fanOut: out * sizeOf(window) };
}

/** A rule for initial weights of a shape. */
export type Init = (shape: Shape, options: InitOptions) => Tensor;

/** `make` without the gradient that only its result is to have. */
function leaf({ requiresGrad = true }: InitOptions, make: () => Tensor): Tensor {
  const made = noGrad(() => scope(make));
  if (requiresGrad) made.node = new Node();
  return made;
}

const scaleAndShift = updateOp('initial weights', (x, factor, term) => rule.add(rule.mul(x, factor), term));

/** Random numbers times `factor` plus `term`, changed where they lie: the weights of a large layer are hundreds of megabytes. */
function spread(numbers: Tensor, factor: number, term = 0): Tensor {
  const [scale, shift] = [factor, term].map((value) => full([], value, { device: numbers.device }));
  update(scaleAndShift, numbers, scale, shift);
  return numbers;
}

/** Uniform in [-bound, bound). */
export const uniformWithin = (shape: Shape, bound: number, options: InitOptions): Tensor =>
  leaf(options, () => spread(uniform(shape, { ...options, requiresGrad: false }), 2 * bound, -bound));

/** Normal with mean 0. */
const normalWith = (shape: Shape, deviation: number, options: InitOptions): Tensor =>
  leaf(options, () => spread(normal(shape, { ...options, requiresGrad: false }), deviation));

/** Uniform with variance 2 gain² / (fan-in + fan-out), for tanh and sigmoid (Glorot and Bengio 2010). */
export function xavierUniform(shape: Shape, options: InitOptions): Tensor {
  const { fanIn, fanOut } = fans(shape);
  return uniformWithin(shape, (options.gain ?? 1) * Math.sqrt(6 / (fanIn + fanOut)), options);
}

/** Normal with variance 2 gain² / (fan-in + fan-out). */
export function xavierNormal(shape: Shape, options: InitOptions): Tensor {
  const { fanIn, fanOut } = fans(shape);
  return normalWith(shape, (options.gain ?? 1) * Math.sqrt(2 / (fanIn + fanOut)), options);
}

/** Uniform with variance gain² / fan-in, for ReLU (He et al. 2015). */
export const heUniform = (shape: Shape, options: InitOptions): Tensor =>
  uniformWithin(shape, (options.gain ?? Math.SQRT2) * Math.sqrt(3 / fans(shape).fanIn), options);

/** Normal with variance gain² / fan-in. */
export const heNormal = (shape: Shape, options: InitOptions): Tensor =>
  normalWith(shape, (options.gain ?? Math.SQRT2) / Math.sqrt(fans(shape).fanIn), options);
