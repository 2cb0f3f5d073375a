// Ops that put tensors into larger ones: padding, concatenation, stacking. Each input is copied once, straight to its place.

import { constant } from '../../kernels/expression.ts';
import { pointwise, valueTypeOf } from '../../kernels/index.ts';
import { type Layout, type Spec, specText } from '../layout.ts';
import { apply, type Op, type Value } from '../op.ts';
import { axisOf, denseStrides } from '../shape.ts';
import { copyStep } from './dense.ts';
import { reshape, slice } from './shape.ts';

/** The input with `value` around it, `before` and `after` elements along each axis. */
export const padOp: Op<{ before: readonly number[]; after: readonly number[]; value: number }> = {
  name: 'pad',
  keeps: [],
  infer([input], { before, after }) {
    const { shape, dtype } = input as Spec;
    return { shape: shape.map((size, axis) => before[axis] + size + after[axis]), dtype };
  },
  lower([input], { shape, dtype }, { before, value }) {
    const strides = denseStrides(shape);
    const offset = before.reduce((sum, margin, axis) => sum + margin * strides[axis], 0);
    const expression = constant(dtype === 'bool' ? value !== 0 : value, valueTypeOf(dtype));
    const background = { problem: pointwise({ shape, inputs: [], expression, dtype }), bind: { out: 1 } };
    return { steps: [background, copyStep(input as Layout, 0, 1, { strides, offset })] };
  },
  gradient: ({ operands: [x], attributes: { before } }, upstream) => [
    slice(upstream, ...(x as typeof upstream).shape.map((size, axis) => [before[axis], before[axis] + size] as const)),
  ],
};

/** Tensors one after another along an axis. */
export const concatOp: Op<{ axis: number }> = {
  name: 'concat',
  keeps: [],
  infer(operands, { axis }) {
    const inputs = operands as Spec[];
    const [first] = inputs;
    axisOf('concat', axis, first.shape.length);
    const odd = inputs.find(
      ({ shape, dtype }) =>
        dtype !== first.dtype ||
        shape.length !== first.shape.length ||
        shape.some((size, each) => each !== axis && size !== first.shape[each]),
    );
    if (odd)
      throw new RangeError(
        `concat: ${specText(first)} and ${specText(odd)} do not fit along axis ${axis}; expected equal dtypes and other sizes`,
      );
    const total = inputs.reduce((sum, { shape }) => sum + shape[axis], 0);
    return { shape: first.shape.map((size, each) => (each === axis ? total : size)), dtype: first.dtype };
  },
  lower(operands, { shape }, { axis }) {
    const strides = denseStrides(shape);
    let start = 0;
    const steps = (operands as Layout[]).map((input, i) => {
      const step = copyStep(input, i, operands.length, { strides, offset: start * strides[axis] });
      start += input.shape[axis];
      return step;
    });
    return { steps };
  },
  gradient({ operands, attributes: { axis }, needs }, upstream) {
    let start = 0;
    return (operands as (typeof upstream)[]).map((input, i) => {
      const end = start + input.shape[axis];
      const ranges = input.shape.map((_, each) => (each === axis ? ([start, end] as const) : ([] as const)));
      start = end;
      return needs[i] ? slice(upstream, ...ranges) : undefined;
    });
  },
};

/** `x` with `value` around it: [before, after] elements, one pair an axis from the first on. */
export function pad<V extends Value>(x: V, margins: readonly (readonly [before: number, after: number])[], value = 0): V {
  if (margins.length > x.shape.length || margins.flat().some((margin) => !Number.isInteger(margin) || margin < 0))
    throw new RangeError(
      `pad: margins [${margins.join('; ')}] for ${specText(x)}, expected at most ${x.shape.length} pairs of whole numbers from 0`,
    );
  const [before, after] = [0, 1].map((side) => x.shape.map((_, axis) => margins[axis]?.[side] ?? 0));
  return apply<V>(padOp, [x], { before, after, value });
}

/** `x` with step - 1 zeros between neighbours along an axis: what a slice with a step took out, put apart again. */
export function dilate<V extends Value>(x: V, axis: number, step: number): V {
  if (step === 1) return x;
  const { shape } = x;
  const apart = pad(
    reshape(x, shape.toSpliced(axis + 1, 0, 1)),
    [...shape, 1].map((_, each) => [0, each === axis + 1 ? step - 1 : 0] as const),
  );
  const ranges = shape.map((size, each) => (each === axis ? ([0, (size - 1) * step + 1] as const) : ([] as const)));
  return slice(reshape(apart, shape.with(axis, shape[axis] * step)), ...ranges);
}

/** Tensors one after another along `axis`, where alone they may differ in size. */
export function concat<V extends Value>(tensors: readonly V[], axis = 0): V {
  if (tensors.length === 0) throw new RangeError('concat: got no tensors, expected at least one');
  return apply<V>(concatOp, tensors, { axis: axisOf('concat', axis, tensors[0].shape.length) });
}

/** Tensors of one shape along a new axis. */
export function stack<V extends Value>(tensors: readonly V[], axis = 0): V {
  if (tensors.length === 0) throw new RangeError('stack: got no tensors, expected at least one');
  const place = axisOf('stack', axis, tensors[0].shape.length + 1);
  return concat(
    tensors.map((each) => reshape(each, each.shape.toSpliced(place, 0, 1))),
    place,
  );
}
