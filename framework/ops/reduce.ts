// Reductions over any axes: sum and mean, with their gradients.

import { constant } from '../../kernels/expression.ts';
import { bytesPerElement, matmul, pointwise } from '../../kernels/index.ts';
import { type Layout, type Spec, specText } from '../layout.ts';
import { apply, type Lowering, type Op, type Value } from '../op.ts';
import { axesOf, broadcastAxes, equalShapes, type Shape, sizeOf } from '../shape.ts';
import { DenseInputs } from './dense.ts';
import { mul } from './pointwise.ts';
import { broadcastTo, reshape } from './shape.ts';

type Reduction = { axes: readonly number[]; keepDims: boolean };

/** The shape that is left of `shape`: without `axes`, or with size 1 along them. */
const reducedShape = (shape: Shape, { axes, keepDims }: Reduction): Shape =>
  shape.flatMap((size, axis) => (!axes.includes(axis) ? [size] : keepDims ? [1] : []));

/** An input as [outer, reduced, inner]: as it lies where its axes are neighbours, else copied with the reduced axes last. */
function threeAxes(
  input: Layout,
  axes: readonly number[],
  inputs: DenseInputs,
): { index: number; outer: number; reduced: number; inner: number } {
  const { shape, strides } = input;
  const real = axes.filter((axis) => shape[axis] !== 1);
  const [first, last] = [real[0] ?? 0, real.at(-1) ?? -1];
  const between = shape.slice(first, last + 1).filter((size) => size !== 1).length;
  const reduced = sizeOf(real.map((axis) => shape[axis]));
  if (between === real.length)
    return { index: inputs.dense(input, 0), outer: sizeOf(shape.slice(0, first)), reduced, inner: sizeOf(shape.slice(last + 1)) };
  const order = [...shape.keys()].filter((axis) => !axes.includes(axis)).concat(axes);
  const moved = { ...input, shape: order.map((axis) => shape[axis]), strides: order.map((axis) => strides[axis]) };
  return { index: inputs.copy(moved, 0), outer: sizeOf(shape) / reduced, reduced, inner: 1 };
}

function lowerSum(input: Layout, { axes }: Reduction): Lowering {
  const inputs = new DenseInputs(1);
  const { index, outer, reduced, inner } = threeAxes(input, axes, inputs);
  const ones = inputs.temporary(outer * reduced * bytesPerElement(input.dtype));
  const expression = constant(1);
  inputs.steps.push({ problem: pointwise({ shape: [outer * reduced], inputs: [], expression, dtype: input.dtype }), bind: { out: ones } });
  const problem = matmul({ batch: outer, m: 1, k: reduced, n: inner, dtype: input.dtype });
  inputs.steps.push({ problem, bind: { A: ones, B: index, C: 1 } });
  return { steps: inputs.steps, temporaries: inputs.temporaries };
}

/** An upstream gradient with the reduced axes back in place, repeated along them. */
function spread<V extends Value>(upstream: V, shape: Shape, { axes }: Reduction): V {
  return broadcastTo(reshape(upstream, reducedShape(shape, { axes, keepDims: true })), shape);
}

export const sumOp: Op<Reduction> = {
  name: 'sum',
  keeps: [],
  infer(operands, attributes) {
    const input = operands[0] as Spec;
    if (input.dtype !== 'f32' && input.dtype !== 'f16') throw new TypeError(`sum: cannot add up ${specText(input)}; cast it to f32`);
    return { shape: reducedShape(input.shape, attributes), dtype: input.dtype };
  },
  lower: ([input], _output, attributes) => lowerSum(input as Layout, attributes),
  gradient: ({ operands: [x], attributes }, upstream) => [spread(upstream, (x as typeof upstream).shape, attributes)],
};

export interface ReduceOptions {
  /** Leaves the reduced axes in the shape, with size 1. */
  readonly keepDims?: boolean;
}

const reduction =
  (op: Op<Reduction>) =>
  <V extends Value>(x: V, axes?: number | readonly number[], { keepDims = false }: ReduceOptions = {}): V =>
    apply<V>(op, [x], { axes: axesOf(op.name, axes, x.shape.length), keepDims });

/** The sum over `axes`, all of them if none are given. */
export const sum = reduction(sumOp);

/** The mean over `axes`, all of them if none are given. */
export function mean<V extends Value>(x: V, axes?: number | readonly number[], options?: ReduceOptions): V {
  const count = sizeOf(axesOf('mean', axes, x.shape.length).map((axis) => x.shape[axis]));
  return mul<V>(sum(x, axes, options), 1 / count);
}

/** Sums `x` over the axes along which a tensor of `shape` was repeated to get it: the gradient of broadcasting. */
export function sumTo<V extends Value>(x: V, shape: Shape): V {
  if (equalShapes(x.shape, shape)) return x;
  return reshape(sum<V>(x, broadcastAxes(shape, x.shape)), shape);
}
