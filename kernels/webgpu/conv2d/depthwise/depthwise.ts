// Depthwise: every group has one channel, so there is no sum over channels to share, and memory is the limit.
//
//   forward, input-grad    a thread computes TH x TW neighbours of a plane; every element that they reach is loaded once and used for all taps    (block.ts)
//   filter-grad            a workgroup computes all taps of a filter; its threads go over strips of TW windows, and a tree adds their sums up     (taps.ts)
//
// Filters may be several to a channel. Strided input gradients need no test for what a stride divides: blocks start at multiples of it, so that the code
// knows which taps reach which of its elements.

import { conv2dCost, conv2dFacts, conv2dVariant, correlationOf } from '../../../correlation.ts';
import type { Kernel, Traits, Tunables } from '../../../kernel.ts';
import { type Conv2dProblem, conv2dOperands } from '../../../problems/conv2d.ts';
import type { Reach } from '../../../problems/window.ts';
import { unbindable } from '../../binding.ts';
import { convSeconds } from '../estimate.ts';
import { resultOf } from '../product.ts';
import { blockPlan, blockSource, blocksOf } from './block.ts';
import { tapsPlan, tapsReaches, tapsSource } from './taps.ts';

/** Taps that are unrolled at most. */
const MOST_TAPS = 49;

const isFilterGrad = ({ pass }: Conv2dProblem): boolean => pass === 'filter-grad';

export const depthwise: Kernel<Conv2dProblem> = {
  name: 'depthwise',
  op: 'conv2d',
  device: 'webgpu',
  summary: 'one channel to a group: blocks of neighbours in registers; filter gradients by a tree',
  requires: [],
  tunables: { WG: [64, 32, 128, 256], TH: [2, 1, 4], TW: [4, 2, 1, 8], SPLIT: [1, 2, 4, 8, 16] },
  constraints: [
    'WG <= min(maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX)',
    'TH % divisorY == 0 and TW % divisorX == 0',
    'TH * TW * R * S <= 800',
    'filterGrad == 0 or TH == 1 and 4 * WG * R * S <= maxComputeWorkgroupStorageSize',
    'SPLIT == 1 or filterGrad == 1 and 4 * SPLIT * outputs <= maxStorageBufferBindingSize',
  ],
  deterministic: true,
  facts(problem) {
    const { vertical, horizontal } = reachesOf(problem);
    const divisors = { divisorY: vertical.divisor, divisorX: horizontal.divisor };
    return { ...conv2dFacts(problem), ...divisors, filterGrad: Number(isFilterGrad(problem)), outputs: resultOf(problem).elements };
  },
  rejects,
  defaults,
  cost: conv2dCost,
  estimate,
  variant(problem) {
    const { vertical, horizontal } = reachesOf(problem);
    return [conv2dVariant(problem), lineShape(vertical), lineShape(horizontal)].join('/');
  },
  generate: (problem, tunables) => (isFilterGrad(problem) ? tapsSource : blockSource)(problem, tunables),
  plan: (problem, tunables) => (isFilterGrad(problem) ? tapsPlan : blockPlan)(problem, tunables),
};

const reachesOf = (problem: Conv2dProblem): { vertical: Reach; horizontal: Reach } =>
  isFilterGrad(problem) ? tapsReaches(problem) : correlationOf(problem);

/** What of an axis the code depends on. */
const lineShape = ({ taps, step, tapStep, offset, divisor }: Reach): string => `${taps}taps${tapStep}by${step}from${offset}over${divisor}`;

function rejects(problem: Conv2dProblem, traits: Traits): string | undefined {
  const { channels, groups, vertical, horizontal } = problem;
  if (channels !== groups) return `it does one channel to a group, not ${channels / groups}`;
  const taps = vertical.window * horizontal.window;
  if (taps > MOST_TAPS) return `it unrolls the ${taps} taps of a filter, at most ${MOST_TAPS}`;
  const strides = [reachesOf(problem).vertical.divisor, reachesOf(problem).horizontal.divisor];
  if (strides.some((stride) => ![1, 2, 4].includes(stride)))
    return `its input gradients have strides of 1, 2 and 4, not ${strides.join(' and ')}`;
  return unbindable(conv2dOperands(problem), traits);
}

function defaults(problem: Conv2dProblem, { limits }: Traits): Tunables {
  const { vertical, horizontal } = reachesOf(problem);
  if (isFilterGrad(problem)) {
    const wanted = (limits.softwareAdapter ? 4 : 256) / problem.filters;
    const windows = problem.batch * vertical.positions * horizontal.positions;
    return { WG: 64, TH: 1, TW: 4, SPLIT: [16, 8, 4, 2].find((split) => split <= wanted && windows >= 1024 * split) ?? 1 };
  }
  return { WG: 64, TH: Math.max(2, vertical.divisor), TW: Math.max(4, horizontal.divisor), SPLIT: 1 };
}

/** On a GPU memory is the limit; on software the loads, which are gathered one by one. */
function estimate(problem: Conv2dProblem, traits: Traits): number {
  const tunables = defaults(problem, traits);
  const { WG, TH, TW, SPLIT } = tunables;
  const groups = isFilterGrad(problem) ? problem.filters * SPLIT : Math.ceil(blocksOf(problem, tunables) / WG);
  const outputsPerGroup = isFilterGrad(problem) ? resultOf(problem).elements / groups : WG * TH * TW;
  return convSeconds(problem, traits, { software: 1.5e9, hardware: 2000e9, outputsPerGroup, groups, passes: SPLIT === 1 ? 1 : 2 });
}
