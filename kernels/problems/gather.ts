// Gather takes rows of a table by index; scatterAdd, its gradient, adds rows up where the indices say.
//
// An index outside of 0 to rows - 1 cannot be an error where kernels run: gather writes zeros for it, scatterAdd leaves its row out. Check indices on the
// host where they come from there.

import type { DType, Extent } from '../dtype.ts';

/** Operands `table` [rows, width], `indices` [count] of i32, `out` [count, width]: out[i] = table[indices[i]]. */
export interface GatherProblem {
  readonly op: 'gather';
  readonly rows: number;
  readonly width: number;
  readonly count: number;
  readonly dtype: DType;
}

/** Operands `x0` [count, width] and `indices` [count] of i32, `out` [rows, width]: out[v] = the sum of x0[i] with indices[i] = v, in order of i. */
export interface ScatterAddProblem {
  readonly op: 'scatterAdd';
  readonly rows: number;
  readonly width: number;
  readonly count: number;
}

type Sizes = Pick<GatherProblem, 'rows' | 'width' | 'count'>;

function checkSizes(op: string, { rows, width, count }: Sizes): void {
  for (const [name, value] of Object.entries({ rows, width, count }))
    if (!Number.isInteger(value) || value < 1) throw new RangeError(`${op}: ${name} is ${value}, expected a whole number from 1`);
  if (Math.max(rows, count) * width > 2 ** 30)
    throw new RangeError(`${op}: ${Math.max(rows, count)} rows of ${width} are more than 2^30 elements`);
}

/** A checked gather problem, of f32 if `dtype` is left out. Throws a RangeError that names the bad value. */
export function gather({ rows, width, count, dtype = 'f32' }: Sizes & { readonly dtype?: DType }): GatherProblem {
  checkSizes('gather', { rows, width, count });
  return { op: 'gather', rows, width, count, dtype };
}

/** A checked scatterAdd problem, of f32. Throws a RangeError that names the bad value. */
export function scatterAdd({ rows, width, count }: Sizes): ScatterAddProblem {
  checkSizes('scatterAdd', { rows, width, count });
  return { op: 'scatterAdd', rows, width, count };
}

export const gatherOperands = ({ rows, width, count, dtype }: GatherProblem): Record<string, Extent> => ({
  table: { elements: rows * width, dtype },
  indices: { elements: count, dtype: 'i32' },
  out: { elements: count * width, dtype },
});

export const scatterAddOperands = ({ rows, width, count }: ScatterAddProblem): Record<string, Extent> => ({
  x0: { elements: count * width, dtype: 'f32' },
  indices: { elements: count, dtype: 'i32' },
  out: { elements: rows * width, dtype: 'f32' },
});
