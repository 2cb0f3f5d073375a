// A copy problem moves elements between two strided regions of one shape: transposed views, slices, and the parts of concatenations and paddings.

import type { DType, Extent } from '../dtype.ts';
import { checkShape, checkStrides, elementCount, MAX_RANK, mergeDimensions, spanOf } from './pointwise.ts';

/** Where a region's elements lie in its buffer, in elements. */
export interface Region {
  readonly strides: readonly number[];
  readonly offset: number;
}

/**
 * Operands `x0`, read, and `out`, of which nothing outside the region changes. Only the width of elements matters.
 *
 * Dimensions are in the order of the destination: its strides fall, and no two indices share an element. So a region of any dense tensor is one.
 */
export interface CopyProblem {
  readonly op: 'copy';
  readonly shape: readonly number[];
  readonly from: Region;
  readonly to: Region;
  readonly elementBytes: 1 | 2 | 4;
}

export interface CopyOptions {
  readonly shape: readonly number[];
  /** Strides may be 0, which repeats. */
  readonly from: Region;
  readonly to: Region;
  readonly elementBytes?: 1 | 2 | 4;
}

/** A checked copy problem. Throws a RangeError that names the bad value. */
export function copy({ shape, from, to, elementBytes = 4 }: CopyOptions): CopyProblem {
  checkShape('copy', shape);
  checkStrides('copy: the source', shape, from.strides, from.offset);
  checkStrides('copy: the destination', shape, to.strides, to.offset);
  const order = shape.map((_, d) => d).filter((d) => shape[d] > 1);
  order.sort((a, b) => to.strides[b] - to.strides[a]);
  const ordered = (values: readonly number[]) => order.map((d) => values[d]);
  const merged = mergeDimensions(ordered(shape), [ordered(from.strides), ordered(to.strides)]);
  const [source, target] = merged.strides;
  if (merged.shape.length > MAX_RANK)
    throw new RangeError(`copy: shape [${shape}] has ${merged.shape.length} dimensions that cannot be merged, more than ${MAX_RANK}`);
  target.forEach((stride, d) => {
    // What the dimensions inside span must end before the next index of this one begins; where inner steps leave gaps, that is less than size times stride.
    if (stride < spanOf(merged.shape.slice(d + 1), target.slice(d + 1), 0))
      throw new RangeError(`copy: the destination's strides [${to.strides}] for shape [${shape}] let elements overlap`);
  });
  return {
    op: 'copy',
    shape: merged.shape,
    from: { strides: source, offset: from.offset },
    to: { strides: target, offset: to.offset },
    elementBytes,
  };
}

const DTYPES: Record<CopyProblem['elementBytes'], DType> = { 1: 'u8', 2: 'f16', 4: 'i32' };

/** Both operands at least as far as the regions reach, in a dtype of the elements' width. */
export function copyOperands({ shape, from, to, elementBytes }: CopyProblem): Record<string, Extent> {
  const dtype = DTYPES[elementBytes];
  return {
    x0: { elements: spanOf(shape, from.strides, from.offset), dtype },
    out: { elements: spanOf(shape, to.strides, to.offset), dtype },
  };
}

/** A transposition inside a copy: dimension `across` is contiguous in the source, the last one in the destination. */
export function transposition({ shape, from, to }: CopyProblem): { readonly across: number } | undefined {
  const last = shape.length - 1;
  const across = from.strides.indexOf(1);
  return across >= 0 && across < last && to.strides[last] === 1 ? { across } : undefined;
}

export const copyElements = (problem: CopyProblem): number => elementCount(problem.shape);
