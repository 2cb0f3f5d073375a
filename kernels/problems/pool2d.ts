// A pool2d problem takes the maximum or the average of each window of a plane, or it is the gradient of that.

import type { Extent } from '../dtype.ts';
import { type Axis, axesOf, checkWhole, type Padding, type Pair, windowReach, windowsOf } from './window.ts';

/**
 * Dense f32 operands of `planes` planes (batch times channels). Max, forward: `input` → `output`, and `indices` (i32): where in its plane, row by row, each
 * maximum was found; of equal elements it is the first, and NaN wins on the CPU (WGSL need not know NaN). Average, forward: `input` → `output`. The gradient of max reads `indices` and
 * `outputGrad`, that of average `outputGrad`; both write `inputGrad`.
 */
export interface Pool2dProblem {
  readonly op: 'pool2d';
  readonly kind: 'max' | 'average';
  readonly pass: 'forward' | 'input-grad';
  readonly planes: number;
  readonly vertical: Axis;
  readonly horizontal: Axis;
  /** Whether an average divides by all taps of a window, or by those that lie in the input. */
  readonly countPadding: boolean;
}

export interface Pool2dOptions {
  readonly kind: Pool2dProblem['kind'];
  /** [N, C, H, W]. */
  readonly input: readonly number[];
  readonly window: Pair;
  /** The window if left out. */
  readonly stride?: Pair;
  readonly padding?: Padding;
  readonly dilation?: Pair;
  /** True if left out, as PyTorch's `count_include_pad` is. */
  readonly countPadding?: boolean;
  readonly pass?: Pool2dProblem['pass'];
}

/** A checked pool2d problem. Throws a RangeError that names the bad value. */
export function pool2d(options: Pool2dOptions): Pool2dProblem {
  const { kind, input, window, stride = window, countPadding = true, pass = 'forward' } = options;
  if (input.length !== 4) throw new RangeError(`pool2d: input [${input}], expected a shape [N, C, H, W]`);
  const [batch, channels, height, width] = input;
  checkWhole('pool2d: batch', batch, 1);
  checkWhole('pool2d: channels', channels, 1);
  const [vertical, horizontal] = axesOf('pool2d', { ...options, window, stride, size: [height, width] });
  for (const axis of [vertical, horizontal]) {
    const empty = emptyWindow(axis);
    if (empty !== undefined)
      throw new RangeError(
        `pool2d: window ${empty} of ${axis.window} taps holds nothing but padding (${axis.before} before and ${axis.after} after ${axis.size} elements); pad less`,
      );
  }
  const problem: Pool2dProblem = { op: 'pool2d', kind, pass, planes: batch * channels, vertical, horizontal, countPadding };
  for (const [name, { elements }] of Object.entries(pool2dOperands(problem)))
    if (elements > 2 ** 30) throw new RangeError(`pool2d: operand ${name} has ${elements} elements, more than 2^30 (input [${input}])`);
  return problem;
}

/** The first window along an axis that has no tap in the input. */
function emptyWindow(axis: Axis): number | undefined {
  const { positions, taps, step, tapStep, offset, extent } = windowReach(axis);
  for (let window = 0; window < positions; window++) {
    const sees = (tap: number) => {
      const at = window * step + tap * tapStep - offset;
      return at >= 0 && at < extent;
    };
    if (!Array.from({ length: taps }, (_, tap) => tap).some(sees)) return window;
  }
  return undefined;
}

/** Inputs first, results last. */
export function pool2dOperands({ kind, pass, planes, vertical, horizontal }: Pool2dProblem): Record<string, Extent> {
  const input: Extent = { elements: planes * vertical.size * horizontal.size, dtype: 'f32' };
  const output: Extent = { elements: planes * windowsOf(vertical) * windowsOf(horizontal), dtype: 'f32' };
  const indices: Record<string, Extent> = kind === 'max' ? { indices: { ...output, dtype: 'i32' } } : {};
  return pass === 'forward' ? { input, output, ...indices } : { ...indices, outputGrad: output, inputGrad: input };
}
