// Rough seconds of a matmul kernel, to choose one before anything is measured.

import type { Traits } from '../../kernel.ts';
import { matmulCost } from '../../matmul.ts';
import type { MatmulProblem } from '../../problem.ts';
import { type Pace, secondsAt } from '../pace.ts';

/** Seconds that a kernel with this pace takes, roughly. */
export const roughSeconds = (problem: MatmulProblem, traits: Traits, pace: Pace): number =>
  secondsAt({ flops: matmulCost(problem).flops, outputs: problem.batch * problem.m * problem.n }, traits, pace);
