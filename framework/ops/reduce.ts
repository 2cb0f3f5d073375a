// Reductions over any axes, with their gradients: sum, mean, max, min, argmax, argmin. NaN wins a max or min, as in NumPy.

import { input as element, apply as form } from '../../kernels/expression.ts';
import { type DType, reduce, valueTypeOf } from '../../kernels/index.ts';
import { type Layout, type Spec, specText } from '../layout.ts';
import { apply, type Call, type Lowering, type Op, type Value } from '../op.ts';
import { axesOf, broadcastAxes, equalShapes, type Shape, sizeOf } from '../shape.ts';
import { DenseInputs } from './dense.ts';
import { cast, div, eq, mul, where } from './pointwise.ts';
import { broadcastTo, reshape } from './shape.ts';

type Fold = Parameters<typeof reduce>[0]['fold'];
type Reduction = { axes: readonly number[]; keepDims: boolean };

const isIndex = (fold: Fold): boolean => fold === 'argmax' || fold === 'argmin';

/** The shape that is left of `shape`: without `axes`, or with size 1 along them. */
const reducedShape = (shape: Shape, { axes, keepDims }: Reduction): Shape =>
  shape.flatMap((size, axis) => (!axes.includes(axis) ? [size] : keepDims ? [1] : []));

function infer(fold: Fold, input: Spec, reduction: Reduction): Spec {
  const { axes } = reduction;
  if (isIndex(fold) && axes.length !== 1 && axes.length !== input.shape.length)
    throw new RangeError(
      `${fold}: axes [${axes}] of ${specText(input)}, expected one axis, or all of them for an index into the flat tensor`,
    );
  if (fold === 'mean' && valueTypeOf(input.dtype) !== 'f32') throw new TypeError(`mean: of ${specText(input)}, expected f32; cast it`);
  const dtype: DType = isIndex(fold) || valueTypeOf(input.dtype) !== 'f32' ? 'i32' : 'f32';
  return { shape: reducedShape(input.shape, reduction), dtype };
}

/** The input as [outer, reduced, inner]: as it lies where the reduced axes are neighbours, else copied with them last. */
function lower(fold: Fold, input: Layout, { axes }: Reduction): Lowering {
  const { shape, strides, dtype } = input;
  const inputs = new DenseInputs(1);
  const long = axes.filter((axis) => shape[axis] !== 1);
  const [first, last] = [long[0] ?? 0, long.at(-1) ?? -1];
  const reduced = sizeOf(long.map((axis) => shape[axis]));
  const expression = dtype === 'bool' ? form('i32', element(0, 'bool')) : undefined;
  const step = (x0: number, outer: number, inner: number) => {
    const problem = reduce({ fold, outer, reduced, inner, source: dtype, ...(expression && { expression }) });
    return { steps: [...inputs.steps, { problem, bind: { x0, out: 1 } }], temporaries: inputs.temporaries };
  };
  if (shape.slice(first, last + 1).filter((size) => size !== 1).length === long.length)
    return step(inputs.dense(input, 0), sizeOf(shape.slice(0, first)), sizeOf(shape.slice(last + 1)));
  const order = [...shape.keys()].filter((axis) => !axes.includes(axis)).concat(axes);
  const moved = { ...input, shape: order.map((axis) => shape[axis]), strides: order.map((axis) => strides[axis]) };
  return step(inputs.copy(moved, 0), sizeOf(shape) / reduced, 1);
}

/** A reduced value with its axes back in place, repeated along them to the shape before. */
function spread<V extends Value>(reduced: V, shape: Shape, { axes }: Reduction): V {
  return broadcastTo(reshape(reduced, reducedShape(shape, { axes, keepDims: true })), shape);
}

const reducedCount = (shape: Shape, { axes }: Reduction): number => sizeOf(axes.map((axis) => shape[axis]));

/** The gradient goes to the elements that are the extreme one, in equal shares. */
function extremeGradient<V extends Value>({ operands, output, attributes }: Call<V, Reduction>, upstream: V): V[] {
  const x = operands[0] as V;
  const isExtreme = eq<V>(x, spread(output, x.shape, attributes));
  const share = div<V>(upstream, sum(cast(isExtreme, 'f32'), attributes.axes, { keepDims: attributes.keepDims }));
  return [where(isExtreme, spread(share, x.shape, attributes), 0)];
}

function reduction(fold: Fold, rules: Pick<Op<Reduction>, 'gradient' | 'keeps'>): Op<Reduction> {
  return {
    name: fold,
    infer: ([input], attributes) => infer(fold, input as Spec, attributes),
    lower: ([input], _output, attributes) => lower(fold, input as Layout, attributes),
    ...rules,
  };
}

/** Every reduction by its name. */
export const reductionOps = {
  sum: reduction('sum', {
    keeps: [],
    gradient: ({ operands: [x], attributes }, g) => [cast(spread(g, (x as typeof g).shape, attributes), (x as typeof g).dtype)],
  }),
  mean: reduction('mean', {
    keeps: [],
    gradient({ operands: [operand], attributes }, g) {
      const x = operand as typeof g;
      return [cast(spread(mul(g, 1 / reducedCount(x.shape, attributes)), x.shape, attributes), x.dtype)];
    },
  }),
  max: reduction('max', { gradient: extremeGradient }),
  min: reduction('min', { gradient: extremeGradient }),
  argmax: reduction('argmax', {}),
  argmin: reduction('argmin', {}),
};

export interface ReduceOptions {
  /** Leaves the reduced axes in the shape, with size 1. */
  readonly keepDims?: boolean;
}

/** One axis or several, counted from the end where negative. */
export type Axes = number | readonly number[];

const reducer =
  (op: Op<Reduction>) =>
  <V extends Value>(x: V, axes?: Axes, { keepDims = false }: ReduceOptions = {}): V =>
    apply<V>(op, [x], { axes: axesOf(op.name, axes, x.shape.length), keepDims });

/** The sum over `axes`, all of them if none are given; whole numbers and bools add up to i32. */
export const sum = reducer(reductionOps.sum);
export const mean = reducer(reductionOps.mean);
export const max = reducer(reductionOps.max);
export const min = reducer(reductionOps.min);
/** The index of the first largest element along an axis, or in the flat tensor, as i32. */
export const argmax = reducer(reductionOps.argmax);
export const argmin = reducer(reductionOps.argmin);

/** Sums `x` over the axes along which a tensor of `shape` was repeated to get it: the gradient of broadcasting. */
export function sumTo<V extends Value>(x: V, shape: Shape): V {
  if (equalShapes(x.shape, shape)) return x;
  return reshape(cast(sum<V>(x, broadcastAxes(shape, x.shape)), x.dtype), shape);
}
