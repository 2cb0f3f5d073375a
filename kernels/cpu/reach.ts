// Reach in WebAssembly: from the positions of a result to elements of an image, with those that do not exist left out.

import { block, br_if, i32, type Local, set } from './assembly.ts';

/** The numbers of a reach as arguments of an entry, in the order of `reachNumbers`; `size` is the image's extent along the axis. */
export const reachNames = (axis: string): string[] =>
  ['positions', 'taps', 'step', 'tapStep', 'offset', 'divisor', 'size'].map((name) => name + axis);

/**
 * Runs `body` with `at` set to the element that `dividend` stands for: dividend / divisor. Runs nothing where that is not an element. `isDivided` says
 * whether the divisor may be other than 1.
 */
export function whereReached(at: Local, dividend: Local, divisor: Local, size: Local, isDivided: boolean, body: () => void): void {
  block({}, () => {
    set(at, dividend);
    if (isDivided) {
      i32.lt_s(dividend, 0);
      br_if(0);
      i32.rem_u(dividend, divisor);
      br_if(0);
      set(at, i32.div_u(dividend, divisor));
    }
    // Unsigned, so that negative ones are no elements either.
    i32.ge_u(at, size);
    br_if(0);
    body();
  });
}
