// Initial weights, made on the device. Fan-in and fan-out are counted over a weight of shape [out, in, ..]: the last axes are a kernel's window.

import { full, normal, type TensorOptions, uniform } from '../create.ts';
import type { RandomSource } from '../ops/random.ts';
import { scope } from '../scope.ts';
import { type Shape, sizeOf } from '../shape.ts';
import { Node, noGrad } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { rule, update, updateOp } from '../update.ts';

export type InitOptions = RandomSource & Pick<TensorOptions, 'device' | 'requiresGrad'>;

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

/** Uniform with variance 2 / (fan-in + fan-out), for tanh and sigmoid (Glorot and Bengio 2010). */
export function xavierUniform(shape: Shape, options: InitOptions): Tensor {
  const { fanIn, fanOut } = fans(shape);
  return uniformWithin(shape, Math.sqrt(6 / (fanIn + fanOut)), options);
}

/** Normal with variance 2 / (fan-in + fan-out). */
export function xavierNormal(shape: Shape, options: InitOptions): Tensor {
  const { fanIn, fanOut } = fans(shape);
  return normalWith(shape, Math.sqrt(2 / (fanIn + fanOut)), options);
}

/** Uniform with variance 2 / fan-in, for ReLU (He et al. 2015). */
export const heUniform = (shape: Shape, options: InitOptions): Tensor => uniformWithin(shape, Math.sqrt(6 / fans(shape).fanIn), options);

/** Normal with variance 2 / fan-in. */
export const heNormal = (shape: Shape, options: InitOptions): Tensor => normalWith(shape, Math.sqrt(2 / fans(shape).fanIn), options);
