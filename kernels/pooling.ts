// What every pool2d kernel has in common, whatever its device: which way each pass looks, facts, cost, variant.
//
// Forward, an element of the result looks at the elements of its window; backward, an element of the input looks at the windows that saw it, and adds up
// their gradients in order. So both gather, and no two tasks write one element.

import type { Cost } from './kernel.ts';
import { type Pool2dProblem, pool2dOperands } from './problems/pool2d.ts';
import { elementReach, type Reach, windowReach, windowsOf } from './problems/window.ts';

/** How the elements of a pass's result reach into what it reads. */
export function reachesOf({ pass, vertical, horizontal }: Pool2dProblem): { readonly vertical: Reach; readonly horizontal: Reach } {
  const reach = pass === 'forward' ? windowReach : elementReach;
  return { vertical: reach(vertical), horizontal: reach(horizontal) };
}

export const pool2dFacts = ({ planes, vertical, horizontal }: Pool2dProblem): Record<string, number> => ({
  planes,
  R: vertical.window,
  S: horizontal.window,
  H: vertical.size,
  W: horizontal.size,
});

/** One operation a tap of each window; each operand moved once. */
export function pool2dCost(problem: Pool2dProblem): Cost {
  const { planes, vertical, horizontal } = problem;
  const flops = planes * windowsOf(vertical) * windowsOf(horizontal) * vertical.window * horizontal.window;
  const elements = Object.values(pool2dOperands(problem)).reduce((sum, operand) => sum + operand.elements, 0);
  return { flops, executedFlops: flops, bytes: 4 * elements };
}

/** Whether windows are averaged over the taps that lie in the input, which some windows have fewer of than others. */
export const countsTaps = ({ kind, countPadding }: Pool2dProblem): boolean => kind === 'average' && !countPadding;

export const pool2dVariant = (problem: Pool2dProblem): string => `${problem.kind}/${problem.pass}${countsTaps(problem) ? '/unpadded' : ''}`;
