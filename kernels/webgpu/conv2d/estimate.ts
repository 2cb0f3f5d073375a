// Rough seconds of a conv2d kernel, to choose one before anything is measured.

import { conv2dCost } from '../../correlation.ts';
import type { Traits } from '../../kernel.ts';
import { type Conv2dProblem, conv2dOperands } from '../../problems/conv2d.ts';
import { type Pace, secondsAt } from '../pace.ts';

/**
 * What a software adapter's compiler costs more for an unrolled kernel than for a plain loop is some 0.1 s, once; a problem that takes less than this is
 * not worth it.
 */
const UNROLLED_SECONDS = 1e-3;

/** Bytes a second of a GPU of the middle class. Software adapters compute too slowly for memory to count. */
const HARDWARE_BANDWIDTH = 200e9;

/** Seconds that a kernel with this pace takes, roughly. `isPlain` where its code is a loop. */
export function convSeconds(problem: Conv2dProblem, traits: Traits, pace: Pace, isPlain = false): number {
  const operands = Object.values(conv2dOperands(problem));
  const outputs = operands[operands.length - 1].elements;
  const { flops, bytes } = conv2dCost(problem);
  const compiling = isPlain ? 0 : UNROLLED_SECONDS;
  return (traits.limits.softwareAdapter ? compiling : bytes / HARDWARE_BANDWIDTH) + secondsAt({ flops, outputs }, traits, pace);
}
