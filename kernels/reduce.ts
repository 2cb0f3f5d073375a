// What every reduce kernel has in common, whatever its device: facts, cost, variant.

import { bytesPerElement } from './dtype.ts';
import { flopsOf, textOf } from './expression.ts';
import type { Cost } from './kernel.ts';
import { type ReduceProblem, reduceOperands } from './problems/reduce.ts';

export const reduceFacts = ({ outer, reduced, inner }: ReduceProblem): Record<string, number> => ({ outer, reduced, inner });

/** One operation an element besides the expression's; the input read once, the result written once. */
export function reduceCost(problem: ReduceProblem): Cost {
  const { x0, out } = reduceOperands(problem);
  const { direct, executed } = flopsOf(problem.expression);
  return {
    flops: x0.elements * (direct + 1),
    executedFlops: x0.elements * (executed + 2),
    bytes: x0.elements * bytesPerElement(x0.dtype) + out.elements * bytesPerElement(out.dtype),
  };
}

export const reduceVariant = ({ fold, inner, source, expression }: ReduceProblem): string =>
  `${fold}/${inner === 1 ? 'rows' : 'columns'}/${source}/${textOf(expression)}`;
