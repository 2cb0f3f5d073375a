// Winograd convolution for 3x3 filters, stride 1: a quarter of the direct algorithm's multiplications with tiles of 6 x 6, 4/9 with tiles of 4 x 4.
//
//   Y = Aᵀ [Σ over channels of (G g Gᵀ) ⊙ (Bᵀ d B)] A         d: a tile of the image, g: a filter, Y: 4 x 4 or 2 x 2 of the result (matrices.ts)
//
// The sum over channels is a matrix product for each of the 36 or 16 elements of a tile: filters x channels times channels x tiles (product.ts).

import { conv2dFacts, conv2dVariant } from '../../../correlation.ts';
import type { Kernel, Traits, Tunables } from '../../../kernel.ts';
import type { Conv2dProblem } from '../../../problems/conv2d.ts';
import { assemble, type Task } from '../../assembly.ts';
import { registerTile } from '../../matmul/packed.ts';
import { blocksTask } from './blocks.ts';
import { winogradCost, winogradEstimate } from './cost.ts';
import { filterExtent, filterTask } from './filter.ts';
import { filterGradPlan } from './filter-grad.ts';
import { imagePlan } from './image.ts';
import { inverseTask } from './inverse.ts';
import type { OutputTile } from './matrices.ts';
import { sumsTask } from './sums.ts';

/** Filters that are larger than this once transformed come from memory for every block of tiles: then larger blocks pay, though they leave the cache. */
const STREAMED_BYTES = 12e6;

function defaultsFor(m: OutputTile) {
  return (problem: Conv2dProblem, traits: Traits): Tunables => {
    const { rows, depth } = filterExtent(problem);
    const isStreamed = 4 * (m + 2) ** 2 * rows * depth > STREAMED_BYTES;
    return { ...registerTile(traits), KU: 4, TB: isStreamed ? 256 : 64 };
  };
}

function winograd(m: OutputTile, errorFactor: number): Kernel<Conv2dProblem> {
  const defaults = defaultsFor(m);
  return {
    name: `winograd${m}`,
    op: 'conv2d',
    device: 'cpu',
    summary: `F(${m}x${m}, 3x3): tiles transformed into ${(m + 2) ** 2} matrix products`,
    requires: ['simd'],
    tunables: { MR: [6, 4], NR: [16, 8], KU: [4, 2], TB: [64, 16, 32, 48, 96, 128, 256] },
    constraints: ['MR * NR <= 96', 'MR * NR >= 24'],
    deterministic: true,
    errorFactor,
    facts: conv2dFacts,
    rejects({ vertical, horizontal }) {
      for (const { window, stride, dilation } of [vertical, horizontal])
        if (window !== 3 || stride !== 1 || dilation !== 1) return 'it does 3x3 filters with stride and dilation 1 only';
      return undefined;
    },
    defaults,
    cost: (problem, tunables) => winogradCost(problem, m, tunables),
    estimate: (problem, traits, constants = []) => winogradEstimate(problem, m, defaults(problem, traits), traits, constants),
    variant: conv2dVariant,
    generate(problem, tunables, traits) {
      const fma = traits.features.has('relaxed-simd');
      const tasks: Record<string, Task> =
        problem.pass === 'filter-grad'
          ? { sums: sumsTask(m, tunables, fma), inverse: inverseTask(m, fma) }
          : {
              filter: filterTask(m, tunables.MR, problem.pass === 'input-grad', fma),
              blocks: blocksTask(problem, m, tunables, fma),
            };
      return assemble(`conv2d/winograd${m}/${conv2dVariant(problem)}/${tunables.MR}x${tunables.NR}`, tasks);
    },
    plan: (problem, tunables, traits) => (problem.pass === 'filter-grad' ? filterGradPlan : imagePlan)(problem, m, tunables, traits),
  };
}

// Error factors: where all terms have one magnitude, transforms and their inverse enlarge rounding errors by at most (max of |Aᵀ|·(|G|1 ⊙ |Bᵀ|1) / 3)² (1 being
// ones): 7.1 for F(2x2,3x3) and 69 for F(4x4,3x3). Signs and magnitudes that vary, as they do, leave less.
export const winograd2 = winograd(2, 4);
export const winograd4 = winograd(4, 50);
