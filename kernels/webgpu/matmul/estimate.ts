// The estimate orders kernels before anything is measured. It knows three things: how fast a kernel computes once it fills the device, how
// many workgroups it takes to fill it, and what a dispatch costs. Rates are rough medians; a tuned table overrules them.

import type { Traits } from '../../kernel.ts';
import { matmulCost } from '../../matmul.ts';
import type { MatmulProblem } from '../../problem.ts';

export interface Pace {
  /** Operations per second on SwiftShader with two cores. */
  readonly software: number;
  /** Operations per second on a GPU of the middle class. */
  readonly hardware: number;
  /** Elements of C that a workgroup computes: what it pads C to. */
  readonly outputsPerGroup: number;
  /** Workgroups there are in all, where it is not one per block of C. */
  readonly groups?: number;
  /** Dispatches, each waiting for the one before. */
  readonly passes?: number;
}

const DISPATCH_SECONDS = { software: 50e-6, hardware: 10e-6 };
/** Workgroups that keep all cores busy. */
const FILLING_GROUPS = { software: 4, hardware: 256 };

/** Seconds that a kernel with this pace takes, roughly. */
export function roughSeconds(problem: MatmulProblem, { limits }: Traits, pace: Pace): number {
  const kind = limits.softwareAdapter ? 'software' : 'hardware';
  const outputs = problem.batch * problem.m * problem.n;
  const groups = pace.groups ?? Math.ceil(outputs / pace.outputsPerGroup);
  const padding = Math.max(1, (groups * pace.outputsPerGroup) / outputs);
  const filled = Math.min(1, groups / FILLING_GROUPS[kind]);
  return (pace.passes ?? 1) * DISPATCH_SECONDS[kind] + (matmulCost(problem).flops * padding) / (pace[kind] * filled);
}
