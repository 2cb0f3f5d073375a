// What every copy kernel has in common, whatever its device: facts, cost and the reference, which is a loop.

import type { Cost } from './kernel.ts';
import { type CopyProblem, copyElements } from './problems/copy.ts';

export const copyFacts = (problem: CopyProblem): Record<string, number> => ({
  elements: copyElements(problem),
  rank: problem.shape.length,
});

/** No operations; each element read once and written once. */
export const copyCost = (problem: CopyProblem): Cost => ({
  flops: 0,
  executedFlops: 0,
  bytes: 2 * copyElements(problem) * problem.elementBytes,
});

/** Copies element by element: what every copy kernel must do to `out`. */
export function copyReference<T>({ shape, from, to }: CopyProblem, x0: ArrayLike<T>, out: { [index: number]: T }): void {
  const visit = (d: number, source: number, target: number) => {
    if (d === shape.length) out[target] = x0[source];
    else for (let i = 0; i < shape[d]; i++) visit(d + 1, source + i * from.strides[d], target + i * to.strides[d]);
  };
  visit(0, from.offset, to.offset);
}
