// What every moments kernel has in common, whatever its device: facts, cost, variant.

import type { Cost } from './kernel.ts';
import { type MomentsProblem, momentsOperands } from './problems/moments.ts';

export const momentsFacts = ({ outer, channels, inner }: MomentsProblem): Record<string, number> => ({ outer, channels, inner });

/** A difference, an addition, a product and its addition for each element; every operand moved once. */
export function momentsCost(problem: MomentsProblem): Cost {
  const operands = momentsOperands(problem);
  const flops = 4 * operands.x.elements;
  return { flops, executedFlops: flops, bytes: Object.values(operands).reduce((sum, { elements }) => sum + 4 * elements, 0) };
}

export const momentsVariant = ({ pass }: MomentsProblem): string => pass;
