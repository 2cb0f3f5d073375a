// A reduce problem folds the middle of [outer, reduced, inner] away: out[o, j] = fold over r of expression(x0[o, r, j]).

import { type DType, type Extent, valueTypeOf } from '../dtype.ts';
import { type Expression, input, stepsOf } from '../expression.ts';

/** NaN wins a max, min, argmax or argmin, as in NumPy; of equal elements the first has the index. */
export type Fold = 'sum' | 'mean' | 'max' | 'min' | 'argmax' | 'argmin';

/** Operands `x0` of shape [outer, reduced, inner] and `out` of shape [outer, inner], both dense. */
export interface ReduceProblem {
  readonly op: 'reduce';
  readonly fold: Fold;
  readonly outer: number;
  readonly reduced: number;
  readonly inner: number;
  /** How `x0` is stored. */
  readonly source: DType;
  /** Applied to each element first: `square(input(0))` makes a sum of squares in one pass. */
  readonly expression: Expression;
  /** Of the result: the expression's own, f32 or i32; i32 for indices. */
  readonly dtype: 'f32' | 'i32';
}

export const isIndex = (fold: Fold): boolean => fold === 'argmax' || fold === 'argmin';

/** A checked reduce problem; inner 1 and the element itself if left out. Throws a RangeError or TypeError that names the bad value. */
export function reduce(
  options: Pick<ReduceProblem, 'fold' | 'outer' | 'reduced'> & Partial<Pick<ReduceProblem, 'inner' | 'source' | 'expression'>>,
): ReduceProblem {
  const { fold, outer, reduced, inner = 1, source = 'f32', expression = input(0, valueTypeOf(source)) } = options;
  for (const [name, value] of Object.entries({ outer, reduced, inner }))
    if (!Number.isInteger(value) || value < 1) throw new RangeError(`reduce: ${name} is ${value}, expected a whole number from 1`);
  if (outer * reduced * inner > 2 ** 31) throw new RangeError(`reduce: [${outer}, ${reduced}, ${inner}] has more than 2^31 elements`);
  for (const { kind, value, type } of stepsOf(expression))
    if (kind === 'scalar' || (kind === 'input' && (value !== 0 || type !== valueTypeOf(source))))
      throw new TypeError(
        `reduce: the expression reads ${kind} ${value} as ${type}; it has one input, ${valueTypeOf(source)}, and no scalars`,
      );
  if (expression.type === 'bool') throw new TypeError(`reduce: ${fold} of bool; cast the expression to i32 or f32`);
  if (fold === 'mean' && expression.type !== 'f32') throw new TypeError('reduce: mean of i32; cast the expression to f32');
  const dtype = isIndex(fold) ? 'i32' : expression.type;
  return { op: 'reduce', fold, outer, reduced, inner, source, expression, dtype };
}

export const reduceOperands = ({ outer, reduced, inner, source, dtype }: ReduceProblem): Record<string, Extent> => ({
  x0: { elements: outer * reduced * inner, dtype: source },
  out: { elements: outer * inner, dtype },
});
