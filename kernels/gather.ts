// What kernels of gather and scatterAdd have in common, whatever their device: facts, costs, and the references.

import { bytesPerElement } from './dtype.ts';
import type { Cost } from './kernel.ts';
import type { GatherProblem, ScatterAddProblem } from './problems/gather.ts';

export const gatherFacts = ({ rows, width, count }: GatherProblem | ScatterAddProblem): Record<string, number> => ({ rows, width, count });

/** Words of a row of a gather; a fraction where rows share words. */
export const wordsOfRow = ({ width, dtype }: GatherProblem): number => (width * bytesPerElement(dtype)) / 4;

/** Each index, each row that is taken, and the result, moved once. */
export const gatherCost = (problem: GatherProblem): Cost => ({
  flops: 0,
  executedFlops: 0,
  bytes: problem.count * (4 + 8 * wordsOfRow(problem)),
});

/** One addition an element that is added; each row read, and the result written, once. */
export const scatterAddCost = ({ rows, width, count }: ScatterAddProblem): Cost => ({
  flops: count * width,
  executedFlops: count * width,
  bytes: 4 * (count + count * width + rows * width),
});

/** The result of a gather, row by row. */
export function gatherReference({ rows, width, count }: GatherProblem, table: ArrayLike<number>, indices: ArrayLike<number>): number[] {
  return Array.from({ length: count * width }, (_, at) => {
    const row = indices[Math.floor(at / width)];
    return row >= 0 && row < rows ? table[row * width + (at % width)] : 0;
  });
}

/** The result of a scatterAdd, in f32: additions in order of the indices have one right result. */
export function scatterAddReference(
  { rows, width, count }: ScatterAddProblem,
  x0: ArrayLike<number>,
  indices: ArrayLike<number>,
): Float32Array {
  const out = new Float32Array(rows * width);
  for (let i = 0; i < count; i++) {
    if (indices[i] < 0 || indices[i] >= rows) continue;
    for (let j = 0; j < width; j++) out[indices[i] * width + j] += x0[i * width + j];
  }
  return out;
}
