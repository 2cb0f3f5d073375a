// Rough seconds of a kernel, to choose one before anything is measured. It knows three things: how fast a kernel computes once it fills the device, how
// many workgroups it takes to fill it, and what a dispatch costs. Rates are rough medians; a tuned table overrules them.

import type { Traits } from '../kernel.ts';

/** What is to be done: operations of the direct algorithm, and elements of the result. */
export interface Work {
  readonly flops: number;
  readonly outputs: number;
}

export interface Pace {
  /** Operations per second on SwiftShader with two cores. */
  readonly software: number;
  /** Operations per second on a GPU of the middle class. */
  readonly hardware: number;
  /** Elements of the result that a workgroup computes: what it pads the result to. */
  readonly outputsPerGroup: number;
  /** Workgroups there are in all, where it is not one per block of the result. */
  readonly groups?: number;
  /** Dispatches, each waiting for the one before. */
  readonly passes?: number;
}

const DISPATCH_SECONDS = { software: 50e-6, hardware: 10e-6 };
/** Workgroups that keep all cores busy. */
const FILLING_GROUPS = { software: 4, hardware: 256 };

/** Seconds that a kernel with this pace takes for the work, roughly. */
export function secondsAt({ flops, outputs }: Work, { limits }: Traits, pace: Pace): number {
  const kind = limits.softwareAdapter ? 'software' : 'hardware';
  const groups = pace.groups ?? Math.ceil(outputs / pace.outputsPerGroup);
  const padding = Math.max(1, (groups * pace.outputsPerGroup) / outputs);
  const filled = Math.min(1, groups / FILLING_GROUPS[kind]);
  return (pace.passes ?? 1) * DISPATCH_SECONDS[kind] + (flops * padding) / (pace[kind] * filled);
}
