// What every softmax kernel has in common, whatever its device: facts, cost, variant.

import type { Cost } from './kernel.ts';
import { type SoftmaxProblem, softmaxOperands } from './problems/softmax.ts';

export const softmaxFacts = ({ rows, columns }: SoftmaxProblem): Record<string, number> => ({ rows, columns });

/** Five operations an element: the largest, a difference, exp, a sum, a quotient; four of the gradient. Every operand moved once. */
export function softmaxCost(problem: SoftmaxProblem): Cost {
  const operands = softmaxOperands(problem);
  const elements = problem.rows * problem.columns;
  const hasExp = problem.pass === 'forward' || problem.log;
  return {
    flops: (problem.pass === 'forward' ? 5 : 4) * elements,
    executedFlops: (4 + (hasExp ? 20 : 0)) * elements,
    bytes: Object.values(operands).reduce((sum, operand) => sum + 4 * operand.elements, 0),
  };
}

export const softmaxVariant = ({ pass, log }: SoftmaxProblem): string => `${pass}${log ? '/log' : ''}`;
