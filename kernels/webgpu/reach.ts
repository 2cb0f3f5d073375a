// Reach in WGSL: from the positions of a result to elements of an image, with those that do not exist left out.

import type { Entry } from '../kernel.ts';
import { parameters } from './wgsl.ts';

/** The numbers of a reach as parameters of an entry, in the order of `reachNumbers`; `size` is the image's extent along the axis. */
export const reachParameters = (axis: string): Entry['arguments'] =>
  parameters('i32', ...['positions', 'taps', 'step', 'tap_step', 'offset', 'divisor', 'size'].map((name) => `${name}_${axis}`));

/**
 * Statements that set `at` to the element that `position` reaches by `tap`, and `continue` with the next tap where there is none. `isDivided` says whether
 * the divisor may be other than 1.
 */
export function reached(at: string, axis: string, position: string, tap: string, isDivided: boolean): string {
  const dividend = `${position} * args.step_${axis} + ${tap} * args.tap_step_${axis} - args.offset_${axis}`;
  const divisor = `args.divisor_${axis}`;
  if (!isDivided) return `let ${at} = ${dividend};\nif (${at} < 0 || ${at} >= args.size_${axis}) { continue; }`;
  return `let dividend_${axis} = ${dividend};
let ${at} = dividend_${axis} / ${divisor};
if (dividend_${axis} < 0 || dividend_${axis} % ${divisor} != 0 || ${at} >= args.size_${axis}) { continue; }`;
}
