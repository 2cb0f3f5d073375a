// Reductions over any axes, with their gradients: sum, mean, max, min, argmax, argmin. NaN wins a max or min, as in NumPy.

import { input as element, apply as form } from '../../kernels/expression.ts';
import { type DType, reduce, valueTypeOf } from '../../kernels/index.ts';
import { type Layout, type Spec, specText } from '../layout.ts';
import { apply, type Call, type Lowering, type Op, type Step, type Value } from '../op.ts';
import { axesOf, broadcastAxes, equalShapes, type Shape, sizeOf } from '../shape.ts';
import { DenseInputs } from './dense.ts';
import { cast, div, eq, mul, where } from './pointwise.ts';
import { broadcastTo, reshape, transpose } from './shape.ts';

type Fold = Parameters<typeof reduce>[0]['fold'];
type Reduction = { axes: readonly number[]; keepDims: boolean };

const isIndex = (fold: Fold): boolean => fold === 'argmax' || fold === 'argmin';

/** The shape that is left of `shape`: without `axes`, or with size 1 along them. */
const reducedShape = (shape: Shape, { axes, keepDims }: Reduction): Shape =>
  shape.flatMap((size, axis) => (!axes.includes(axis) ? [size] : keepDims ? [1] : []));

function infer(fold: Fold, input: Spec, reduction: Reduction): Spec {
  const axes = axesOf(fold, reduction.axes, input.shape.length);
  if (isIndex(fold) && runsOf(input.shape, axes).length > 1)
    throw new RangeError(`${fold}: axes [${axes}] of ${specText(input)} are apart; transpose them to neighbours first`);
  if (fold === 'mean' && valueTypeOf(input.dtype) !== 'f32') throw new TypeError(`mean: of ${specText(input)}, expected f32; cast it`);
  const dtype: DType = isIndex(fold) || valueTypeOf(input.dtype) !== 'f32' ? 'i32' : 'f32';
  return { shape: reducedShape(input.shape, reduction), dtype };
}

/** Neighbouring axes that are reduced together, the last ones first; axes of size 1 join whatever is beside them. */
function runsOf(shape: Shape, axes: readonly number[]): { first: number; last: number }[] {
  const runs: { first: number; last: number }[] = [];
  for (const axis of axes.toReversed()) {
    if (shape[axis] === 1) continue;
    const run = runs.at(-1);
    const between = run ? shape.slice(axis + 1, run.first) : [];
    if (run && between.every((size) => size === 1)) run.first = axis;
    else runs.push({ first: axis, last: axis });
  }
  return runs.length > 0 ? runs : [{ first: 0, last: -1 }];
}

/**
 * Each run of neighbouring axes as [outer, reduced, inner], where the input lies: the sum over the images and pixels of [N, C, H, W] is one over pixels, in one
 * pass over memory, and one over images of what is left, which is little. An index takes one run.
 */
function lower(fold: Fold, input: Layout, { axes }: Reduction): Lowering {
  const inputs = new DenseInputs(1);
  const steps: Step[] = [];
  const shape = [...input.shape];
  let [x0, source]: [number, DType] = [inputs.dense(input, 0), input.dtype];
  const runs = runsOf(shape, axes);
  for (const [i, { first, last }] of runs.entries()) {
    const [outer, reduced, inner] = [shape.slice(0, first), shape.slice(first, last + 1), shape.slice(last + 1)].map(sizeOf);
    const expression = source === 'bool' ? form('i32', element(0, 'bool')) : undefined;
    const problem = reduce({ fold, outer, reduced, inner, source, ...(expression && { expression }) });
    const out = i === runs.length - 1 ? 1 : inputs.temporary(4 * outer * inner);
    steps.push({ problem, bind: { x0, out } });
    [x0, source] = [out, problem.dtype];
    shape.fill(1, first, last + 1);
  }
  return { steps: [...inputs.steps, ...steps], temporaries: inputs.temporaries };
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
/** An index counts through its axes, so they are brought together first. */
const locator =
  (op: Op<Reduction>) =>
  <V extends Value>(x: V, axes?: Axes, { keepDims = false }: ReduceOptions = {}): V => {
    const along = axesOf(op.name, axes, x.shape.length);
    if (runsOf(x.shape, along).length === 1) return apply<V>(op, [x], { axes: along, keepDims });
    const others = [...x.shape.keys()].filter((axis) => !along.includes(axis));
    const last = along.map((_, i) => others.length + i);
    const found = apply<V>(op, [transpose(x, [...others, ...along])], { axes: last, keepDims: false });
    return reshape(found, reducedShape(x.shape, { axes: along, keepDims }));
  };

/** The index of the first largest element, as i32: along an axis, or in the tensor that several axes, or all of them, make when flattened in their order. */
export const argmax = locator(reductionOps.argmax);
export const argmin = locator(reductionOps.argmin);

/** Sums `x` over the axes along which a tensor of `shape` was repeated to get it: the gradient of broadcasting. */
export function sumTo<V extends Value>(x: V, shape: Shape): V {
  if (equalShapes(x.shape, shape)) return x;
  return reshape(cast(sum<V>(x, broadcastAxes(shape, x.shape)), x.dtype), shape);
}
