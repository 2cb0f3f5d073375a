// A pointwise problem computes every element of a dense output from the elements of its inputs at the same index: out[i] = expression(x0[i], x1[i], ..).

import { bytesPerElement, type DType, type Extent, valueTypeOf } from '../dtype.ts';
import { countOf, type Expression, stepsOf } from '../expression.ts';

/** How an input lies in its buffer; strides and offset in elements, one stride a dimension of the output, 0 where it is repeated. */
export interface PointwiseInput {
  readonly dtype: DType;
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Operands: `x0`, `x1`, .. and `out`; an input that is computed in place is read from `out` and has no operand. */
export interface PointwiseProblem {
  readonly op: 'pointwise';
  /** Row-major; neighbouring dimensions that all operands run through as one are merged, at least one is left. */
  readonly shape: readonly number[];
  readonly inputs: readonly PointwiseInput[];
  readonly expression: Expression;
  /** Values of the expression's run-time scalars. */
  readonly scalars: readonly number[];
  /** How the result is stored: f32 and f16 of f32, i32 and u8 (its low 8 bits) of i32, bool of bool. */
  readonly dtype: DType;
  /** The input whose buffer takes the result. */
  readonly inPlace?: number;
}

export const MAX_RANK = 6;

export interface PointwiseOptions {
  readonly shape: readonly number[];
  /** What is left out of an input is f32, dense, offset 0. */
  readonly inputs: readonly Partial<PointwiseInput>[];
  readonly expression: Expression;
  readonly scalars?: readonly number[];
  readonly dtype?: DType;
  readonly inPlace?: number;
}

export const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Row-major strides of a dense tensor, in elements. */
export const denseStrides = (shape: readonly number[]): number[] => shape.map((_, d) => elementCount(shape.slice(d + 1)));

/** A checked pointwise problem. Throws a RangeError or TypeError that names the bad value. */
export function pointwise({ shape, inputs, expression, scalars = [], dtype, inPlace }: PointwiseOptions): PointwiseProblem {
  checkShape('pointwise', shape);
  const full = inputs.map(({ dtype = 'f32', strides = denseStrides(shape), offset = 0 }) => ({ dtype, strides, offset }));
  full.forEach(({ strides, offset }, i) => {
    checkStrides(`pointwise: input ${i}`, shape, strides, offset);
  });
  const result = dtype ?? expression.type;
  if (valueTypeOf(result) !== expression.type)
    throw new TypeError(`pointwise: the expression gives ${expression.type}, which is not stored as ${result}; cast it`);
  for (const step of stepsOf(expression).filter(({ kind }) => kind === 'input')) {
    const given = full[step.value];
    if (!given) throw new RangeError(`pointwise: the expression reads input ${step.value}, but there are ${full.length}`);
    if (valueTypeOf(given.dtype) !== step.type)
      throw new TypeError(`pointwise: the expression reads input ${step.value} as ${step.type}, but it is stored as ${given.dtype}`);
  }
  if (countOf(expression, 'scalar') > scalars.length)
    throw new RangeError(`pointwise: the expression reads ${countOf(expression, 'scalar')} scalars, but ${scalars.length} are given`);
  const merged = mergeDimensions(
    shape,
    full.map(({ strides }) => strides),
  );
  if (merged.shape.length > MAX_RANK)
    throw new RangeError(
      `pointwise: shape [${shape}] has ${merged.shape.length} dimensions that cannot be merged, more than ${MAX_RANK}; copy an operand`,
    );
  const problem: PointwiseProblem = {
    op: 'pointwise',
    shape: merged.shape,
    inputs: full.map((each, i) => ({ ...each, strides: merged.strides[i] })),
    expression,
    scalars,
    dtype: result,
    inPlace,
  };
  if (inPlace !== undefined) checkInPlace(problem, inPlace);
  return problem;
}

function checkInPlace(problem: PointwiseProblem, inPlace: number): void {
  const given = problem.inputs[inPlace];
  const fits = given && accessOf(problem, given) === 'flat' && given.offset === 0;
  if (!fits || bytesPerElement(given.dtype) !== bytesPerElement(problem.dtype))
    throw new RangeError(
      `pointwise: input ${inPlace} cannot take the result in place; it must lie as the output does, in elements as wide`,
    );
}

/** Throws a RangeError unless every size is a whole number from 1. */
export function checkShape(who: string, shape: readonly number[]): void {
  const bad = shape.find((size) => !Number.isInteger(size) || size < 1 || size > 2 ** 31);
  if (bad !== undefined) throw new RangeError(`${who}: shape [${shape}] has the size ${bad}, expected whole numbers from 1`);
  if (elementCount(shape) > 2 ** 31) throw new RangeError(`${who}: shape [${shape}] has more than 2^31 elements`);
}

/** Throws a RangeError unless there is one whole stride of at least 0 a dimension, and a whole offset. */
export function checkStrides(who: string, shape: readonly number[], strides: readonly number[], offset: number): void {
  if (strides.length !== shape.length || [...strides, offset].some((each) => !Number.isInteger(each) || each < 0))
    throw new RangeError(
      `${who} has strides [${strides}] and offset ${offset}, expected ${shape.length} whole numbers from 0 and one more`,
    );
}

/** Drops dimensions of size 1, and merges a dimension with the next where every operand runs through both as through one. */
export function mergeDimensions(
  shape: readonly number[],
  operands: readonly (readonly number[])[],
): { shape: number[]; strides: number[][] } {
  const merged: number[] = [];
  const strides: number[][] = operands.map(() => []);
  for (const [d, size] of shape.entries()) {
    if (size === 1) continue;
    const last = merged.length - 1;
    if (last >= 0 && operands.every((operand, i) => strides[i][last] === operand[d] * size)) {
      merged[last] *= size;
      operands.forEach((operand, i) => (strides[i][last] = operand[d]));
    } else {
      merged.push(size);
      operands.forEach((operand, i) => strides[i].push(operand[d]));
    }
  }
  if (merged.length > 0) return { shape: merged, strides };
  return { shape: [1], strides: operands.map(() => [1]) };
}

/** Elements that a strided operand spans from the start of its buffer. */
export const spanOf = (shape: readonly number[], strides: readonly number[], offset: number): number =>
  1 + offset + shape.reduce((sum, size, d) => sum + (size - 1) * strides[d], 0);

/**
 * How an input runs through the output: `flat` as the output does, `scalar` one element for all, `row` contiguous and `repeat` constant along the last
 * dimension, `strided` neither.
 */
export type Access = 'flat' | 'scalar' | 'row' | 'repeat' | 'strided';

export function accessOf({ shape }: Pick<PointwiseProblem, 'shape'>, { strides }: PointwiseInput): Access {
  const dense = denseStrides(shape);
  if (strides.every((stride, d) => stride === dense[d])) return 'flat';
  if (strides.every((stride) => stride === 0)) return 'scalar';
  const last = strides[shape.length - 1];
  return last === 1 ? 'row' : last === 0 ? 'repeat' : 'strided';
}

/** Elements and dtype of each operand; the output last. */
export function pointwiseOperands({ shape, inputs, dtype, inPlace }: PointwiseProblem): Record<string, Extent> {
  const read = inputs
    .map(({ dtype, strides, offset }, i) => [`x${i}`, { elements: spanOf(shape, strides, offset), dtype }] as const)
    .filter((_, i) => i !== inPlace);
  return { ...Object.fromEntries(read), out: { elements: elementCount(shape), dtype } };
}
