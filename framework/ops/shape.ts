// Ops that move elements and compute none: views where strides can say it, else one copy.

import { type Layout, type Spec, specText } from '../layout.ts';
import { apply, type Op, type Operand, type Value } from '../op.ts';
import { axisOf, broadcastShapes, broadcastStrides, checkShape, denseStrides, equalShapes, type Shape, sizeOf } from '../shape.ts';
import { dilate, pad } from './assemble.ts';
import { copyStep } from './dense.ts';
import { sumTo } from './reduce.ts';

const only = (inputs: readonly Operand<Spec>[]): Spec => inputs[0] as Spec;

/** Throws where a view was not found for an op that always has one. */
const viewed = (): never => {
  throw new Error('a view has no kernel');
};

/** The same elements in row-major order under another shape. */
export const reshapeOp: Op<{ shape: Shape }> = {
  name: 'reshape',
  keeps: [],
  infer(inputs, { shape }) {
    const input = only(inputs);
    checkShape('reshape', shape);
    if (sizeOf(shape) !== sizeOf(input.shape))
      throw new RangeError(
        `reshape: ${specText(input)} has ${sizeOf(input.shape)} elements, but [${shape}] has ${sizeOf(shape)}; use -1 for one size to let it follow`,
      );
    return { shape, dtype: input.dtype };
  },
  view: (input, { shape }) => {
    const rowMajor = denseStrides(input.shape);
    const contiguous = input.strides.every((stride, axis) => stride === rowMajor[axis] || input.shape[axis] === 1);
    return contiguous ? { strides: denseStrides(shape), offset: input.offset } : undefined;
  },
  lower: (inputs) => ({ steps: [copyStep(inputs[0] as Layout, 0, 1)] }),
  gradient: ({ operands: [x] }, upstream) => [typeof x === 'number' ? undefined : reshape(upstream, x.shape)],
};

/** Axes in another order: axis i of the output is axis order[i] of the input. */
export const transposeOp: Op<{ order: readonly number[] }> = {
  name: 'transpose',
  keeps: [],
  infer(inputs, { order }) {
    const { shape, dtype } = only(inputs);
    if (order.length !== shape.length || new Set(order).size !== shape.length)
      throw new RangeError(`transpose: order [${order}] must name each of the ${shape.length} axes of ${specText(only(inputs))} once`);
    return { shape: order.map((axis) => shape[axis]), dtype };
  },
  view: ({ strides, offset }, _output, { order }) => ({ strides: order.map((axis) => strides[axis]), offset }),
  lower: viewed,
  gradient: ({ attributes: { order } }, upstream) => [
    transpose(
      upstream,
      order.map((_, axis) => order.indexOf(axis)),
    ),
  ],
};

/** The input repeated along axes that it has not, or has with size 1. */
export const broadcastToOp: Op<{ shape: Shape }> = {
  name: 'broadcastTo',
  keeps: [],
  infer(inputs, { shape }) {
    const input = only(inputs);
    checkShape('broadcastTo', shape);
    if (!equalShapes(broadcastShapes('broadcastTo', [input.shape, shape]), shape))
      throw new RangeError(`broadcastTo: ${specText(input)} does not broadcast to [${shape}], which has fewer elements`);
    return { shape, dtype: input.dtype };
  },
  view: ({ shape: own, strides, offset }, { shape }) => ({ strides: broadcastStrides(own, strides, shape), offset }),
  lower: viewed,
  gradient: ({ operands: [x] }, upstream) => [typeof x === 'number' ? undefined : sumTo(upstream, x.shape)],
};

/** Elements from `starts` up to but without `ends`, every `steps`-th, one number an axis. */
export const sliceOp: Op<{ starts: readonly number[]; ends: readonly number[]; steps: readonly number[] }> = {
  name: 'slice',
  keeps: [],
  infer(inputs, { starts, ends, steps }) {
    const { shape, dtype } = only(inputs);
    shape.forEach((size, axis) => {
      const [start, end, step] = [starts[axis], ends[axis], steps[axis]];
      if (![start, end, step].every(Number.isInteger) || start < 0 || end > size || start >= end || step < 1)
        throw new RangeError(
          `slice: axis ${axis} of ${specText(only(inputs))} cannot be cut from ${start} to ${end} by ${step}; expected 0 <= start < end <= ${size}, step from 1`,
        );
    });
    return { shape: shape.map((_, axis) => Math.ceil((ends[axis] - starts[axis]) / steps[axis])), dtype };
  },
  view: ({ strides, offset }, _output, { starts, steps }) => ({
    strides: strides.map((stride, axis) => stride * steps[axis]),
    offset: offset + strides.reduce((sum, stride, axis) => sum + stride * starts[axis], 0),
  }),
  lower: viewed,
  gradient({ operands: [x], attributes: { starts, steps } }, upstream) {
    const apart = steps.reduce((each, step, axis) => dilate(each, axis, step), upstream);
    const { shape } = x as typeof upstream;
    return [
      pad(
        apart,
        shape.map((size, axis) => [starts[axis], size - starts[axis] - apart.shape[axis]] as const),
      ),
    ];
  },
};

/** The input in dense row-major order: a copy where it is a view. */
export const contiguousOp: Op = {
  name: 'contiguous',
  keeps: [],
  infer: (inputs) => ({ shape: only(inputs).shape, dtype: only(inputs).dtype }),
  view: ({ dense, strides, offset }) => (dense ? { strides, offset } : undefined),
  lower: (inputs) => ({ steps: [copyStep(inputs[0] as Layout, 0, 1)] }),
  gradient: (_call, upstream) => [upstream],
};

/** The input's elements in bytes of their own. */
export const cloneOp: Op = { ...contiguousOp, name: 'clone', view: undefined };

/** `x` under another shape of as many elements; one size may be -1 and follows from the others. */
export function reshape<V extends Value>(x: V, shape: Shape): V {
  const rest = shape.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const full = shape.map((size) => (size === -1 ? sizeOf(x.shape) / rest : size));
  return equalShapes(full, x.shape) ? x : apply<V>(reshapeOp, [x], { shape: full });
}

/** `x` with its axes in another order; reversed where none is given. */
export function transpose<V extends Value>(x: V, order: readonly number[] = x.shape.map((_, axis) => x.shape.length - 1 - axis)): V {
  return apply<V>(transposeOp, [x], { order: order.map((axis) => axisOf('transpose', axis, x.shape.length)) });
}

/** `x` with its last two axes exchanged. Throws a RangeError below two axes. */
export function transposeMatrix<V extends Value>(x: V): V {
  const rank = x.shape.length;
  if (rank < 2) throw new RangeError(`transpose: ${specText(x)} is no matrix; expected at least 2 axes`);
  return transpose(x, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
}

/** `x` repeated to a shape that it broadcasts to; no bytes are copied. */
export const broadcastTo = <V extends Value>(x: V, shape: Shape): V =>
  equalShapes(x.shape, shape) ? x : apply<V>(broadcastToOp, [x], { shape });

/** What to take of each axis: nothing given takes all; negative numbers count from the end. */
export type Range = readonly [start?: number, end?: number, step?: number];

/** The part of `x` within `ranges`, one an axis from the first on; a view. */
export function slice<V extends Value>(x: V, ...ranges: readonly Range[]): V {
  if (ranges.length > x.shape.length)
    throw new RangeError(`slice: ${ranges.length} ranges for ${specText(x)}, which has ${x.shape.length} axes`);
  const fromEnd = (place: number, size: number) => (place < 0 ? place + size : place);
  const bounds = x.shape.map((size, axis) => {
    const [start = 0, end = size, step = 1] = ranges[axis] ?? [];
    return [fromEnd(start, size), Math.min(fromEnd(end, size), size), step];
  });
  const [starts, ends, steps] = [0, 1, 2].map((part) => bounds.map((bound) => bound[part]));
  return apply<V>(sliceOp, [x], { starts, ends, steps });
}

/** `x` in dense row-major order. */
export const contiguous = <V extends Value>(x: V): V => apply<V>(contiguousOp, [x]);

/** A copy of `x`, dense, that shares nothing with it. */
export const clone = <V extends Value>(x: V): V => apply<V>(cloneOp, [x]);

/** The same elements, through which no gradient passes. */
export const stopGradientOp: Op = {
  name: 'stopGradient',
  keeps: [],
  infer: (inputs) => ({ shape: only(inputs).shape, dtype: only(inputs).dtype }),
  view: ({ strides, offset }) => ({ strides, offset }),
  lower: viewed,
  gradient: () => [undefined],
};

/** `x` as a constant of the gradient: a view that `backward` does not follow. */
export const stopGradient = <V extends Value>(x: V): V => apply<V>(stopGradientOp, [x]);
