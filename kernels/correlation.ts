// A correlation is what each pass of a convolution is to a kernel: every element of the result gathers its own sum, so no two tasks write one element.
//
//   result[a, b, y, x] = Σ over q, u, v of  image[a, b, g, q][reach(y, u), reach(x, v)] · weights[a, b, g, q][u, v]
//
//              a      b               q      (y, x)       (u, v)            image        weights
//   forward       image  filter           channel  window       tap               input        filter
//   input-grad    image  channel          filter   element      tap               outputGrad   filter
//   filter-grad   filter channel of group image    tap          window            input        outputGrad
//
// g is the group. Planes of image and weights lie at offsets that are linear in a, b, g and q; so one kernel does all three passes, and depthwise too.

import type { Cost } from './kernel.ts';
import { type Conv2dProblem, conv2dOperands } from './problems/conv2d.ts';
import { elementReach, type Reach, tapReach, windowReach, windowsOf } from './problems/window.ts';

/** Elements from one plane to the next, by what is counted up. */
export interface Steps {
  readonly a: number;
  readonly b: number;
  readonly g: number;
  readonly q: number;
}

export interface Correlation {
  /** Names of the operands. */
  readonly image: string;
  readonly weights: string;
  readonly result: string;
  readonly a: number;
  readonly b: number;
  readonly q: number;
  readonly vertical: Reach;
  readonly horizontal: Reach;
  /** The group is ⌊a or b / perGroup⌋. */
  readonly groupOf: 'a' | 'b';
  readonly perGroup: number;
  readonly imageSteps: Steps;
  readonly weightSteps: Steps;
}

export function correlationOf({ pass, batch, channels, filters, groups, vertical, horizontal }: Conv2dProblem): Correlation {
  const [channelsEach, filtersEach] = [channels / groups, filters / groups];
  const inputPlane = vertical.size * horizontal.size;
  const outputPlane = windowsOf(vertical) * windowsOf(horizontal);
  const taps = vertical.window * horizontal.window;
  const reaches = (reach: typeof windowReach) => ({ vertical: reach(vertical), horizontal: reach(horizontal) });
  if (pass === 'forward')
    return {
      ...{ image: 'input', weights: 'filter', result: 'output' },
      ...{ a: batch, b: filters, q: channelsEach, groupOf: 'b', perGroup: filtersEach },
      ...reaches(windowReach),
      imageSteps: { a: channels * inputPlane, b: 0, g: channelsEach * inputPlane, q: inputPlane },
      weightSteps: { a: 0, b: channelsEach * taps, g: 0, q: taps },
    };
  if (pass === 'input-grad')
    return {
      ...{ image: 'outputGrad', weights: 'filter', result: 'inputGrad' },
      ...{ a: batch, b: channels, q: filtersEach, groupOf: 'b', perGroup: channelsEach },
      ...reaches(elementReach),
      imageSteps: { a: filters * outputPlane, b: 0, g: filtersEach * outputPlane, q: outputPlane },
      // b counts channels over all groups, the filter's second index those of one.
      weightSteps: { a: 0, b: taps, g: (filtersEach - 1) * channelsEach * taps, q: channelsEach * taps },
    };
  return {
    ...{ image: 'input', weights: 'outputGrad', result: 'filterGrad' },
    ...{ a: filters, b: channelsEach, q: batch, groupOf: 'a', perGroup: filtersEach },
    ...reaches(tapReach),
    imageSteps: { a: 0, b: inputPlane, g: channelsEach * inputPlane, q: channels * inputPlane },
    weightSteps: { a: outputPlane, b: 0, g: 0, q: filters * outputPlane },
  };
}

/** Products that are added up to one element of the result, at most. */
export const termsOf = ({ q, vertical, horizontal }: Correlation): number => q * vertical.taps * horizontal.taps;

/** 2·N·K·outputs·C/groups·R·S operations in each of the passes, padding included, as is usual; each operand moved once. */
export function conv2dCost(problem: Conv2dProblem): Cost {
  const { batch, channels, filters, groups, vertical, horizontal } = problem;
  const outputs = batch * filters * windowsOf(vertical) * windowsOf(horizontal);
  const flops = 2 * outputs * (channels / groups) * vertical.window * horizontal.window;
  const elements = Object.values(conv2dOperands(problem)).reduce((sum, operand) => sum + operand.elements, 0);
  return { flops, executedFlops: flops, bytes: 4 * elements };
}

/** Sizes of a problem by the names that constraints use. */
export const conv2dFacts = (problem: Conv2dProblem): Record<string, number> => {
  const { batch, channels, filters, groups, vertical, horizontal } = problem;
  return { N: batch, C: channels, K: filters, groups, R: vertical.window, S: horizontal.window, H: vertical.size, W: horizontal.size };
};

/** What of a problem the code of a correlation depends on: pass, whether positions are divided by a stride, epilogue. */
export function conv2dVariant(problem: Conv2dProblem): string {
  const { epilogue } = problem;
  const applied = (['bias', 'residual', 'relu'] as const).filter((part) => epilogue[part]);
  return [problem.pass, ...(isDivided(correlationOf(problem)) ? ['divided'] : []), ...applied].join('/');
}

export const isDivided = ({ vertical, horizontal }: Pick<Correlation, 'vertical' | 'horizontal'>): boolean =>
  vertical.divisor > 1 || horizontal.divisor > 1;

/** The operands that a pass's epilogue reads, in the order of the kernels' buffers. */
export const epilogueOperands = ({ epilogue }: Conv2dProblem): ('bias' | 'residual')[] =>
  (['bias', 'residual'] as const).filter((name) => epilogue[name]);
