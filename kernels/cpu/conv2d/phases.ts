// A phase is the positions along an axis that are reached by the same taps: element i·step + shift + j·shiftStep for position i and tap j of the phase.
//
// Where positions are not divided there is one phase of all positions and all taps. The gradient of the input of a convolution with stride s has s: windows
// reach an element by every s-th tap only, and which ones depends on the element's number modulo s.
//
//   stride 2, 3 taps:      elements 0, 2, 4, .. by taps 1            elements 1, 3, 5, .. by taps 0 and 2           (padding 1)

import type { Reach } from '../../problems/window.ts';

export interface Phase {
  /** Of the first position, and how far apart they are. */
  readonly first: number;
  readonly every: number;
  readonly positions: number;
  readonly firstTap: number;
  readonly everyTap: number;
  /** None where nothing reaches these positions: they are zero. */
  readonly taps: number;
  readonly step: number;
  readonly shift: number;
  readonly shiftStep: number;
}

/** The phases of an axis that have positions. */
export function phasesOf({ positions, taps, step, tapStep, offset, divisor }: Reach): Phase[] {
  return Array.from({ length: Math.min(divisor, positions) }, (_, first) => {
    const dividend = (tap: number) => first * step + tap * tapStep - offset;
    const reached = Array.from({ length: taps }, (_, tap) => tap).filter((tap) => dividend(tap) % divisor === 0);
    const [firstTap = 0, second = firstTap + 1] = reached;
    return {
      ...{ first, every: divisor, positions: Math.ceil((positions - first) / divisor) },
      ...{ firstTap, everyTap: second - firstTap, taps: reached.length, step },
      shift: reached.length > 0 ? dividend(firstTap) / divisor : 0,
      shiftStep: ((second - firstTap) * tapStep) / divisor,
    };
  });
}
